// The plots of the overview: the history once, then each sample.
"use strict";
(() => {
  const kept = 900;
  const plots = {
    rates: [["published", "publishedRate", "--three"], ["enriched", "enrichedRate", "--one"], ["unmatched", "unmatchedRate", "--two"]],
    latency: [["half within", "p50", "--one"], ["99 % within", "p99", "--four"]],
    bad: [["quarantined", "quarantinedRate", "--three"], ["dead-lettered", "deadLetteredRate", "--four"]],
    invocations: [["invocations", "invocationRate", "--one"], ["failed", "errorRate", "--four"], ["instances", "instances", "--two"]],
    processors: [["functions", "functionsCPU", "--one"], ["stack", "stackCPU", "--five"]],
  };
  const colours = ["--one", "--two", "--three", "--four", "--five"];
  const drawn = new Map();
  let history = null;

  const series = name => name === "lag"
    ? (history.lags.at(-1) ?? []).map((_, i) => [`partition ${i}`, i, colours[i % colours.length]])
    : plots[name];
  const column = (name, member) => name === "lag" ? history.lags.map(lags => lags[member] ?? null) : history[member];
  const data = name => [history.at.map(ms => ms / 1000), ...series(name).map(([, member]) => column(name, member))];
  const short = v => v >= 1e6 ? v / 1e6 + "M" : v >= 1e4 ? v / 1e3 + "k" : v;
  const value = (u, v) => v === null || v === undefined ? "–" : v >= 100 ? Math.round(v).toLocaleString("en") : +v.toFixed(2);

  const draw = (element, name) => {
    drawn.get(name)?.destroy();
    const style = getComputedStyle(document.documentElement), colour = c => style.getPropertyValue(c).trim();
    const axis = {stroke: colour("--soft"), grid: {stroke: colour("--grid"), width: 1}, ticks: {show: false}, font: "11px system-ui"};
    drawn.set(name, new uPlot({
      width: element.clientWidth, height: 190, cursor: {drag: {setScale: false}},
      scales: {
        x: {range: (u, from, to) => [Math.min(from, to - 60), to]},
        y: {range: (u, from, to) => [0, Math.max(to * 1.1, 1)]},
      },
      axes: [{...axis, space: 76, values: (u, all) => all.map(s => new Date(s * 1000).toTimeString().slice(0, 8))}, {...axis, size: 46, values: (u, all) => all.map(short)}],
      series: [{value: "{HH}:{mm}:{ss}"}, ...series(name).map(([label, , c]) =>
        ({label, stroke: colour(c), width: 1.5, points: {show: false}, value}))],
    }, data(name), element));
  };

  const drawAll = () => {
    for (const element of document.querySelectorAll("[data-plot]")) draw(element, element.dataset.plot);
  };

  const add = sample => {
    if (!history || sample.at <= (history.at.at(-1) ?? 0)) return;
    for (const name of Object.keys(history)) {
      history[name].push(sample[name]);
      if (history[name].length > kept) history[name].shift();
    }
    const partitions = drawn.get("lag")?.series.length - 1;
    if (partitions !== sample.lags.length) return drawAll();
    for (const [name, plot] of drawn) plot.setData(data(name));
  };

  document.addEventListener("DOMContentLoaded", async () => {
    const loaded = await (await fetch("/live/history")).json();
    for (const name of Object.keys(loaded)) loaded[name] ??= [];
    history = loaded;
    drawAll();
    document.body.addEventListener("sample", event => add(event.detail));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  });
})();
