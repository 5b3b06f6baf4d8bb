//go:build clients

package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"feedstream/local/real/child"
)

// patience bounds one client; its calls are bounded by their program.
const patience = 4 * time.Minute

// TestClients tries every call of every client on one running stack, which outlives them all.
func TestClients(t *testing.T) {
	at := start(t)
	clients := expected(t)
	tried := make([]*attempt, len(clients))
	var group errgroup.Group
	group.SetLimit(2)
	for i, c := range clients {
		group.Go(func() error {
			tried[i] = try(t, c, at)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var came []*client
	for i, c := range clients {
		came = append(came, c.cameOut(tried[i].lines))
		problems := c.compare(tried[i].lines)
		if tried[i].err != nil {
			problems = append(problems, tried[i].err.Error())
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", c, problem)
		}
		t.Logf("%s: %d calls in %.1f s, fetched and built in %.1f s", c, len(tried[i].lines),
			tried[i].ran.Seconds(), tried[i].made.Seconds())
	}
	text := table(came)
	t.Logf("works, and refused by name:\n%s", text)
	inREADME(t, text)
}

// attempt is what came of a client.
type attempt struct {
	lines     []line
	made, ran time.Duration // how long
	err       error
}

func try(t *testing.T, c *client, at environment) *attempt {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	cmd, err := program(ctx, t.TempDir(), c)
	if err != nil {
		return &attempt{err: err}
	}
	a := &attempt{made: time.Since(began)}
	began = time.Now()
	a.lines, a.err = run(cmd, at)
	a.ran = time.Since(began)
	return a
}

// run collects the lines that a program prints; whatever else it says is told when it ends badly.
func run(cmd *exec.Cmd, at environment) (lines []line, err error) {
	var out, noise bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &noise
	cmd.Env = append(cmd.Env, at...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := child.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd, err)
	}
	err = cmd.Wait()
	for said := range strings.Lines(out.String()) {
		var l line
		if json.Unmarshal([]byte(said), &l) != nil || l.Call == "" {
			noise.WriteString(said)
			continue
		}
		lines = append(lines, l)
	}
	if err != nil {
		said := noise.Bytes()[max(0, noise.Len()-2000):]
		return lines, fmt.Errorf("run %s: %w; the end of what it said:\n%s", filepath.Base(cmd.Path), err, said)
	}
	return lines, nil
}

// cameOut is the client as its calls came out, for the table.
func (c *client) cameOut(lines []line) *client {
	out := &client{Service: c.Service, Name: c.Name, Version: c.Version, Refused: map[string]string{}}
	for _, l := range lines {
		switch l.Result {
		case "works":
			out.Works = append(out.Works, l.Call)
		case "refused":
			out.Refused[l.Call] = l.Detail
		}
	}
	return out
}
