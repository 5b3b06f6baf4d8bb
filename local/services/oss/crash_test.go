package oss

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// crashDir in the environment makes the test binary a server on that directory, to be killed.
const crashDir = "OSS_CRASH_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		serveUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func serveUntilKilled(dir string) {
	server, err := Start(Options{
		Addr: "127.0.0.1:0", Dir: dir, AccessKeyID: "id", AccessKeySecret: "secret", Region: "cn-local",
		Buckets: []string{testBucket},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent goes, at the latest
	os.Exit(1)
}

// TestKillLeavesWholeObjects kills the server while several writers overwrite their objects. What was acknowledged
// must be there or be followed by the put under way, and no object may be half-written.
func TestKillLeavesWholeObjects(t *testing.T) {
	const writers, putsBeforeKill = 4, 60
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client, err := sdk.New("http://"+strings.TrimSpace(addr), "id", "secret", sdk.AuthVersion(sdk.AuthV4), sdk.Region("cn-local"))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket(testBucket)
	if err != nil {
		t.Fatal(err)
	}

	acknowledged := [writers]int{}
	enough := make(chan struct{}, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := 1; bucket.PutObject(fmt.Sprint("writer-", w), bytes.NewReader(version(n))) == nil; n++ {
				acknowledged[w] = n
				if n == putsBeforeKill {
					enough <- struct{}{}
				}
			}
		})
	}
	<-enough
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_ = child.Wait() // killed, as it was meant to be

	server := start(t, dir)
	for w, last := range acknowledged {
		stored, err := server.buckets[testBucket].get(fmt.Sprint("writer-", w))
		if err != nil {
			t.Fatalf("writer %d: %v", w, err)
		}
		body, err := io.ReadAll(stored.body(span{0, stored.Size}))
		if err := errors.Join(err, stored.Close()); err != nil {
			t.Fatalf("writer %d: %v", w, err)
		}
		if !bytes.Equal(body, version(last)) && !bytes.Equal(body, version(last+1)) {
			t.Errorf("writer %d: got %d bytes, neither put %d nor the next", w, len(body), last)
		}
	}
}

// version is the body of a writer's n-th put; each has its own length and bytes.
func version(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%06d ", n), 2000+n) }
