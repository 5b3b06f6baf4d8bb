package stack

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/shared/feed"
)

// publishRecords publishes records of one sender, in one batch and compressed.
func (s *Stack) publishRecords(t *testing.T, values ...[]byte) {
	t.Helper()
	options, err := s.target.KafkaOptions()
	must(t, err)
	client, err := kgo.NewClient(append(options, kgo.ProducerBatchMaxBytes(8<<20), kgo.ProducerLinger(50*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()))...)
	must(t, err)
	defer client.Close()
	records := make([]*kgo.Record, len(values))
	for i, value := range values {
		records[i] = &kgo.Record{Topic: s.target.Names.Topics.Input, Key: []byte("10.0.0.1"), Value: value}
	}
	must(t, client.ProduceSync(t.Context(), records...).FirstErr())
}

func (s *Stack) audited(t *testing.T) audit.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := s.Settle(ctx); err != nil {
		t.Fatalf("%v; status %+v", err, s.platform.Status())
	}
	report, err := audit.Feed(ctx, &s.target, audit.Bound{}, audit.Bound{})
	must(t, err)
	return report
}

// Records that grow beyond the quarantine's limit when they are set aside hold nothing: their neighbours are
// enriched once each, and they are in the quarantine once.
func TestRecordsTooLargeToBeSetAside(t *testing.T) {
	s := running(t)
	noise := make([]byte, 30_000) // 32 times this is 1.28 MB of base64, more than its topic takes uncompressed
	random := rand.NewChaCha8([32]byte{1})
	_, err := random.Read(noise)
	must(t, err)
	good := func(i int) []byte { return fmt.Appendf(nil, "2318.HK,%d", 1605760851000+i) }
	for i, bad := range [][]byte{
		bytes.Repeat([]byte{0xff}, 400_000), bytes.Repeat([]byte{0xff}, 900_000),
		[]byte(base64.StdEncoding.EncodeToString(bytes.Repeat(noise, 32))),
	} {
		s.publishRecords(t, good(3*i), bad, good(3*i+1), good(3*i+2))
	}
	report := s.audited(t)
	if !report.Balanced || report.Enriched+report.Unmatched != 9 || report.QuarantinedByReason[feed.MalformedValue] != 3 ||
		report.Quarantined != 3 || report.Duplicates != (audit.Duplicates{}) || report.Pending != 0 {
		t.Errorf("report = %+v", report)
	}
	if status := s.Status(); status.Lag != 0 || len(status.Failing) > 0 {
		t.Errorf("status = %+v", status)
	}
}

// A quarantine that is missing fails the push: status and audit name the record that holds it, the topic and
// what to do. Once the topic is there, the push goes through.
func TestAMissingQuarantineIsTold(t *testing.T) {
	s := running(t)
	options, err := s.target.KafkaOptions()
	must(t, err)
	client, err := kgo.NewClient(options...)
	must(t, err)
	defer client.Close()
	admin, quarantine := kadm.NewClient(client), s.target.Names.Topics.Quarantine
	_, err = admin.DeleteTopic(t.Context(), quarantine)
	must(t, err)
	s.publishRecords(t, []byte("2318.HK,1605760851000"), []byte("bad"))
	s.awaitFailure(t, "create topic "+quarantine)
	report, err := audit.Feed(t.Context(), &s.target, audit.Bound{}, audit.Bound{})
	if err == nil {
		t.Errorf("an audit without a topic: %+v", report)
	}
	_, err = admin.CreateTopic(t.Context(), 1, 1, nil, quarantine)
	must(t, err)
	failing, err := s.target.Failing(t.Context())
	must(t, err)
	if len(failing) != 1 || failing[0].Topic != s.target.Names.Topics.Input || failing[0].Offset != 0 || failing[0].Records != 2 {
		t.Errorf("failing = %+v", failing)
	}
	s.platform.RetryNow()
	if report := s.audited(t); !report.Balanced || report.Quarantined != 1 || report.Enriched != 1 || len(report.Failing) != 0 {
		t.Errorf("report = %+v", report)
	}
}
