package hbase

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
)

// crashDirEnv makes the test binary a server on the directory it names.
const crashDirEnv = "FEEDSTREAM_HBASE_CRASH_DIR"

// crashServer serves until it is killed.
func crashServer(dir string) {
	s, err := Start(Options{Dir: dir, ZooKeeperAddr: os.Getenv(crashDirEnv + "_ZK"), Addr: os.Getenv(crashDirEnv + "_ADDR")})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.ZooKeeperAddr(), s.Addr())
	select {}
}

// serverProcess is a server in a process of its own.
type serverProcess struct {
	cmd           *exec.Cmd
	zookeeper, at string
}

func startProcess(t *testing.T, dir, zookeeper, addr string) *serverProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir, crashDirEnv+"_ZK="+zookeeper, crashDirEnv+"_ADDR="+addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &serverProcess{cmd: cmd}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("server process: %q, %v", line, err)
	}
	if _, err := fmt.Sscan(line, &p.zookeeper, &p.at); err != nil {
		t.Fatal(err)
	}
	return p
}

// kill ends the process as kill -9 does. It may be repeated.
func (p *serverProcess) kill() {
	_ = p.cmd.Process.Kill() // it may be dead
	_ = p.cmd.Wait()         // its state is the signal
}

func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProcess(t, dir, "", "")
	c := gohbase.NewClient(p.zookeeper, gohbase.RpcQueueSize(1), gohbase.Logger(slog.New(slog.DiscardHandler)))
	defer c.Close()

	ctx, cancel := context.WithCancel(deadline(t))
	acknowledged := make(chan int, 100000)
	go func() { // writes batches of 100 rows until its context ends
		defer close(acknowledged)
		for n := 0; ; n++ {
			calls := make([]hrpc.Call, 100)
			for i := range calls {
				m, err := hrpc.NewPutStr(ctx, stock, crashKey(n, i), map[string]map[string][]byte{"0": {"N": []byte(fmt.Sprint(n))}})
				if err != nil {
					return
				}
				calls[i] = m
			}
			if _, ok := c.SendBatch(ctx, calls); !ok {
				return
			}
			acknowledged <- n
		}
	}()
	for range 20 {
		<-acknowledged
	}
	p.kill()
	cancel()
	last := 19
	for n := range acknowledged {
		last = n
	}

	p = startProcess(t, dir, "", "")
	reader := connect(t, p.zookeeper)
	found := map[string]bool{}
	for _, line := range scan(t, reader, stock, "", "") {
		key, _, _ := strings.Cut(line, ":")
		found[key] = true
	}
	for n := 0; n <= last; n++ {
		for i := range 100 {
			if !found[crashKey(n, i)] {
				t.Fatalf("row %q of acknowledged batch %d of %d is lost", crashKey(n, i), n, last)
			}
		}
	}
}

func crashKey(batch, i int) string { return fmt.Sprintf("%c%06d-%03d", i%16, batch, i) }

func TestClientOutlivesRestartOnTheSamePorts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProcess(t, dir, "", "")
	c := connect(t, p.zookeeper)
	mustPut(t, c, stock, "\x01before", 10, row{"A": "1"})
	p.kill()
	written := make(chan error, 1)
	late := put(t, stock, "\x01during", 10, row{"A": "2"})
	go func() { _, err := c.Put(late); written <- err }()
	time.Sleep(50 * time.Millisecond) // an outage has a length; nothing is waited for here
	startProcess(t, dir, p.zookeeper, p.at)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if rows := scan(t, c, stock, "\x01", "\x02"); len(rows) != 2 {
		t.Errorf("rows after the restart: %v", rows)
	}
}
