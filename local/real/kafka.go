package real

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/real/child"
	"feedstream/local/real/wire"
)

// Kafka is one node that is broker and controller. Topics are created by who needs them.
type Kafka struct {
	Addr string // 127.0.0.1:port

	folder, jars string
	process      *process
}

// kafkaLogs is the folder of its logs, below the one that a broker is given. It may be there before the broker starts.
const kafkaLogs = "kafka"

// StartKafka returns when the broker answers. It keeps its data below folder. A wire, when not nil, lies between it and
// its clients.
func StartKafka(ctx context.Context, folder string, w *wire.Wire) (*Kafka, error) {
	classpath, err := Jars(ctx, "kafka")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	host, err := bind(w, ports[0])
	if err != nil {
		return nil, err
	}
	k := &Kafka{Addr: fmt.Sprintf("127.0.0.1:%d", ports[0]), folder: folder, jars: filepath.Join(classpath, "*")}
	settings := map[string]string{
		"process.roles": "broker,controller", "node.id": "1",
		"controller.quorum.voters":  fmt.Sprintf("1@127.0.0.1:%d", ports[1]),
		"listeners":                 fmt.Sprintf("PLAINTEXT://%s:%d,CONTROLLER://127.0.0.1:%d", host, ports[0], ports[1]),
		"advertised.listeners":      "PLAINTEXT://" + k.Addr,
		"controller.listener.names": "CONTROLLER", "log.dirs": filepath.Join(folder, kafkaLogs),
		"auto.create.topics.enable": "false", "offsets.topic.replication.factor": "1",
		"transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
		"group.initial.rebalance.delay.ms": "0",
	}
	var text strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&text, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(k.settings(), []byte(text.String()), 0o644); err != nil {
		return nil, fmt.Errorf("configure Kafka: %w", err)
	}
	format := exec.CommandContext(ctx, "java", "-cp", k.jars, "kafka.tools.StorageTool", "format",
		"-t", "ZmVlZHN0cmVhbS1yZWFsMQ", "-c", k.settings())
	if output, err := child.CombinedOutput(format); err != nil {
		return nil, fmt.Errorf("format Kafka's storage: %w\n%s", err, output)
	}
	if err := k.Start(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Kafka) settings() string { return filepath.Join(k.folder, "server.properties") }

// Start runs the broker again after Stop, on the same address and data. After an error nothing runs.
func (k *Kafka) Start(ctx context.Context) (err error) {
	k.process, err = start("kafka", k.folder, "-Xms512m", "-Xmx1g", "-cp", k.jars, "kafka.Kafka", k.settings())
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr))
	if err == nil {
		defer client.Close()
		err = k.process.await(ctx, client.Ping)
	}
	if err != nil {
		k.process.kill()
		return fmt.Errorf("wait for Kafka at %s: %w", k.Addr, err)
	}
	return nil
}

// Stop ends the broker in order.
func (k *Kafka) Stop() { k.process.stop() }

// Kill ends the broker as the death of its process does; what it wrote stays with the system.
func (k *Kafka) Kill() { k.process.kill() }

// AwaitEnd returns when the broker has ended by itself, as it does when its disk fails.
func (k *Kafka) AwaitEnd(ctx context.Context) error { return k.process.awaitEnd(ctx) }

// Freeze has the broker stand still for a while.
func (k *Kafka) Freeze(ctx context.Context, d time.Duration) error { return k.process.freeze(ctx, d) }
