package doctor

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/simulate"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

// An unknown root is named with the setting that mends it, and with that setting the brokers answer.
func TestKafkaWithItsOwnRoot(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which no system trusts
	defer web.Close()
	topics := feed.DefaultTopics()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics.Input, topics.Output, topics.Quarantine, topics.DeadLetter),
		kfake.TLS(&tls.Config{Certificates: web.TLS.Certificates}))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	root := filepath.Join(t.TempDir(), "root.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(root, text, 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(ca string) Finding {
		values := map[string]string{"KAFKA_BROKERS": strings.Join(broker.ListenAddrs(), ","), "KAFKA_TLS": "true", "KAFKA_CA": ca}
		where, err := target.Parse(values, target.Names{Topics: topics})
		if err != nil {
			t.Fatal(err)
		}
		return Services(t.Context(), &where, target.Kafka)[0]
	}
	if found := look(root); !found.OK {
		t.Errorf("with the root: %+v", found)
	}
	if found := look(""); found.OK || !strings.Contains(found.Remedy, "KAFKA_CA") {
		t.Errorf("without the root: %+v", found)
	}
}

// behind is a way to brokers of which only the first address leads anywhere: the one that they announce does not.
func behind(t *testing.T, broker *kfake.Cluster) []kgo.Opt {
	t.Helper()
	const forwarded = "127.0.0.1:1"
	announced := broker.ListenAddrs()[0]
	return []kgo.Opt{kgo.SeedBrokers(forwarded), kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != forwarded {
			return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", addr, syscall.ECONNREFUSED)}
		}
		var d net.Dialer
		return d.DialContext(ctx, network, announced)
	})}
}

// A bootstrap server that answers is not enough: the functions talk to those that it announces.
func TestKafkaBehindAnAddressOutOfReach(t *testing.T) {
	topics := feed.DefaultTopics()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics.Input, topics.Output, topics.Quarantine, topics.DeadLetter))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	var wrong []string
	for _, f := range Kafka(t.Context(), "127.0.0.1:1", target.Names{Topics: topics, Group: "g"}, behind(t, broker)...) {
		if !f.OK && !strings.HasPrefix(f.Check, "topic ") { // their settings are another matter
			wrong = append(wrong, f.Check)
			if !strings.Contains(f.Detail, broker.ListenAddrs()[0]) || !strings.Contains(f.Remedy, "advertised.listeners") {
				t.Errorf("finding = %+v", f)
			}
		}
	}
	if !slices.Equal(wrong, []string{"leaders of the topics", "coordinator of group g"}) {
		t.Errorf("wrong is %q", wrong)
	}
	_, err = simulate.Run(t.Context(), simulate.Config{
		Brokers: []string{"127.0.0.1:1"}, Options: behind(t, broker), Topic: topics.Input, Records: 1,
	})
	if err == nil || !strings.Contains(err.Error(), broker.ListenAddrs()[0]) {
		t.Errorf("publish: error = %v, want one that names %s", err, broker.ListenAddrs()[0])
	}
}

func TestTasksWithoutAPartition(t *testing.T) {
	names := target.Names{Topics: feed.DefaultTopics(), Tasks: 5}
	for partitions, want := range map[int]int{0: 0, 4: 1, 5: 0, 6: 0} {
		if found := idleTasks(names, partitions); len(found) != want {
			t.Errorf("%d partitions: %+v", partitions, found)
		}
	}
}

// A broker that is asked for a coordinator for the first time has none for some seconds.
func TestKafkaThatMakesItsFirstGroup(t *testing.T) {
	topics := feed.DefaultTopics()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics.Input, topics.Output, topics.Quarantine, topics.DeadLetter))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	asked := 0
	broker.ControlKey(int16(kmsg.FindCoordinator), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if asked++; asked > 3 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, group := range request.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			coordinator := kmsg.NewFindCoordinatorResponseCoordinator()
			coordinator.Key, coordinator.ErrorCode = group, kerr.CoordinatorNotAvailable.Code
			response.Coordinators = append(response.Coordinators, coordinator)
		}
		response.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return response, nil, true
	})
	for _, f := range Kafka(t.Context(), broker.ListenAddrs()[0], target.Names{Topics: topics, Group: "g"}, kgo.SeedBrokers(broker.ListenAddrs()...)) {
		if !f.OK && strings.Contains(f.Check, "coordinator") {
			t.Errorf("finding = %+v", f)
		}
	}
}
