package doctor

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

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
