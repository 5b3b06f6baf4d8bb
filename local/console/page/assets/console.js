// What every page does: it keeps the elements that name a member of a sample up to date, and asks before an action.
"use strict";
(() => {
  // format writes a number as format.go does.
  const grouped = n => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const duration = s => {
    if (s === 0) return "0 s";
    if (s < 0.01) return (s * 1000).toFixed(2) + " ms";
    if (s < 1) return Math.floor(s * 1000) + " ms";
    if (s < 60) return s.toFixed(0) + " s";
    if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s) % 60} s`;
    if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
    return `${Math.floor(s / 86400)} days`;
  };
  const format = (form, v) => {
    if (v === null || v === undefined) return "–";
    if (typeof v === "string") return v;
    switch (form) {
      case "rate": return v < 100 && !Number.isInteger(v) ? v.toFixed(1) : grouped(v);
      case "fraction": return v.toFixed(2);
      case "ms": return v < 1000 ? Math.round(v) + " ms" : (v / 1000).toFixed(1) + " s";
      case "age": return duration(v);
    }
    return grouped(v);
  };

  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  const problem = p => {
    const item = document.createElement("li"), link = document.createElement("a");
    item.className = p.state;
    link.href = p.href;
    link.textContent = p.link;
    item.append(p.text + " ", link);
    return item;
  };
  let shownProblems = "";

  const show = sample => {
    for (const e of document.querySelectorAll("[data-live]")) put(e, format(e.dataset.form, sample[e.dataset.live]));
    for (const e of document.querySelectorAll("[data-part]")) e.dataset.state = sample.state[e.dataset.part];
    for (const e of document.querySelectorAll("[data-words]")) put(e, sample.words[e.dataset.words]);
    for (const e of document.querySelectorAll("[data-flow]")) e.classList.toggle("flows", sample[e.dataset.flow] > 0);
    const list = document.getElementById("problems"), now = JSON.stringify(sample.problems);
    if (list && now !== shownProblems) {
      shownProblems = now;
      list.replaceChildren(...sample.problems.map(problem));
    }
    document.body.dispatchEvent(new CustomEvent("sample", {detail: sample}));
  };

  // A page that nobody sees holds no connection: a browser has few for one server.
  let source = null;
  const link = (state, text) => {
    document.getElementById("link").dataset.state = state;
    put(document.getElementById("link-text"), text);
  };
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = null;
      return;
    }
    if (source) return;
    source = new EventSource("/live");
    source.onmessage = message => { link("live", "live"); show(JSON.parse(message.data)); };
    source.onerror = () => link("away", "the stack does not answer");
  };
  document.addEventListener("visibilitychange", follow);
  follow();

  // A list that is held is not loaded again.
  document.addEventListener("htmx:before:request", event => {
    if (event.detail.ctx.sourceElement.id === "list" && document.getElementById("hold")?.checked) event.preventDefault();
  });

  // An element with hx-confirm asks, and shows what its data-command says.
  document.addEventListener("htmx:confirm", event => {
    const ctx = event.detail.ctx;
    if (!ctx.confirm) return;
    event.preventDefault();
    const dialog = document.getElementById("confirm"), element = ctx.sourceElement;
    document.getElementById("confirm-question").textContent = ctx.confirm;
    document.getElementById("confirm-command").textContent = command(element);
    document.getElementById("confirm-yes").textContent = element.dataset.yes ?? "Do it";
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "yes") event.detail.issueRequest();
      else event.detail.dropRequest();
    }, {once: true});
    dialog.showModal();
  });

  // command is data-command with {name} replaced by the value of that field of the form, as a shell would quote it, and
  // {name...} by each of its lines.
  const quote = text => /^[\w.:/@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  const command = element => {
    const form = element.matches("form") ? element : element.form ?? element.closest("form");
    const optional = (element.dataset.command ?? "").replace(/ \[([^\]]*\{(\w+)\})\]/g, (all, part, name) =>
      value(form, name) ? " " + part : "");
    const flags = optional.replace(/ \[([^\]{}]*)\?(\w+)\]/g, (all, flag, name) => field(form, name)?.checked ? " " + flag : "");
    const words = (name, each) => each ? value(form, name).split("\n").map(line => line.trim()).filter(Boolean) : [value(form, name)];
    return flags.replace(/\{(\w+)(\.\.\.)?\}/g, (all, name, each) => words(name, each).map(quote).join(" "));
  };
  const field = (form, name) => form?.elements[name] ?? document.querySelector(`[name="${name}"]`);
  const value = (form, name) => field(form, name)?.value ?? "";
})();
