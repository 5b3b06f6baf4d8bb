//go:build clients

package clients

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/real/child"
)

// start runs the built command as a user does and returns where its services are, for the programs. When
// the test ends, it must still run.
func start(t *testing.T) environment {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	endpoints, logged := filepath.Join(folder, "endpoints.json"), filepath.Join(folder, "up.log")
	log, err := os.Create(logged)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	up := exec.Command(filepath.Join(root, "bin", "feedstream"), "up", "--ephemeral", "--anonymous-http",
		"--endpoints", endpoints, "--rate", "10")
	up.Dir, up.Stdout, up.Stderr = root, log, log
	if err := child.Start(up); err != nil {
		t.Fatalf("start the stack: %v; make clients builds it", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	t.Cleanup(func() { end(t, up, ended, logged) })
	at := await(t, endpoints, ended, logged)
	createTopic(t, at.Kafka, "clients-kcat") // which kcat cannot
	return environment{
		"FEEDSTREAM_KAFKA=" + at.Kafka, "FEEDSTREAM_MONGODB=" + at.MongoDB, "FEEDSTREAM_OSS=" + at.OSS,
		"FEEDSTREAM_ZOOKEEPER=" + at.ZooKeeper, "FEEDSTREAM_FC=" + at.FC, "FEEDSTREAM_QUERY=" + at.HTTPTriggers["feed-query"],
		"FEEDSTREAM_ACCESS_KEY_ID=" + at.AccessKeyID, "FEEDSTREAM_ACCESS_KEY_SECRET=" + at.AccessKeySecret,
		"FEEDSTREAM_OSS_REGION=" + at.Environment["OSS_REGION"],
	}
}

// places is what the stack writes into its endpoints file.
type places struct {
	Kafka, MongoDB, OSS, ZooKeeper, FC string
	HTTPTriggers                       map[string]string
	AccessKeyID, AccessKeySecret       string
	Environment                        map[string]string
}

func await(t *testing.T, endpoints string, ended <-chan error, logged string) (at places) {
	t.Helper()
	for deadline := time.After(2 * time.Minute); ; {
		content, err := os.ReadFile(endpoints)
		if err == nil {
			if err := json.Unmarshal(content, &at); err != nil {
				t.Fatal(err)
			}
			return at
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Fatalf("the stack ended before it was ready: %v\n%s", err, tail(logged))
		case <-deadline:
			t.Fatalf("the stack is not ready in time\n%s", tail(logged))
		case <-time.After(50 * time.Millisecond): // it announces itself by the file
		}
	}
}

func end(t *testing.T, up *exec.Cmd, ended <-chan error, logged string) {
	select {
	case err := <-ended:
		t.Errorf("the stack ended under its clients: %v\n%s", err, tail(logged))
		return
	default:
	}
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the stack did not end well: %v\n%s", err, tail(logged))
		}
	case <-time.After(time.Minute):
		t.Errorf("the stack does not end\n%s", tail(logged))
		if err := up.Process.Kill(); err != nil {
			t.Error(err)
		}
		<-ended
	}
}

func createTopic(t *testing.T, broker, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 2, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

func tail(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-3000):]
}
