package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/kafka/internal/codec"
	"feedstream/local/services/patient"
)

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.all
	l.all = nil
	return taken
}

func startLogged(t *testing.T) (*Server, *lines) {
	t.Helper()
	log := &lines{}
	s, err := Start(Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Topics: []Topic{{Name: "a", Partitions: 1}},
		Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, log
}

// prefixed puts the length before a request.
func prefixed(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

var strangers = []struct {
	name, sent, reason string
}{
	{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "security.protocol=PLAINTEXT"},
	{"HTTP request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP request came"},
	{"length of 4 GiB", "\xff\xff\xff\xffabc", "a request of 4294967295 bytes was announced"},
	{"random", string(prefixed([]byte("\x91\x5a\xe2\x00\x13\x77\x08\xab\xcd\xef")...)), "no request -28326"},
	{"unknown key", string(prefixed(0, 93, 0, 0, 0, 0, 0, 1, 0xff, 0xff)), "no request 93"},
	{"telemetry", string(prefixed(0, 71, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0)), "no request 71"},
	{"negative version", string(prefixed(0, 18, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff)), "ApiVersions came in version -1"},
	{"version too high", string(prefixed(0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff)), "Metadata came in version 99"},
	{"nothing", string(prefixed()), "it ends within its header"},
	{"header only begun", string(prefixed(0, 3, 0, 1)), "it ends within its header"},
	{"content cut", string(prefixed(0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 9)), "Metadata of version 1 is malformed"},
	{"array of a lie", string(prefixed(0, 0, 0, 3, 0, 0, 0, 1, 0xff, 0xff,
		0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 'a', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)),
		"Produce of version 3 is malformed"},
	{"header of 2^32-1 tags", string(prefixed(0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)),
		"Metadata of version 12 is malformed"},
	{"content of 2^32-1 tags", string(prefixed(0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f)),
		"Metadata of version 12 is malformed"},
	{"too long for its kind", string(prefixed(append([]byte{0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff},
		make([]byte, maxOther+1)...)...)), "Metadata came with"},
	{"cut and gone", "\x00\x00\x01\x00abc", ""},
}

// TestStrangersEndTheirOwnConnection: what is no Kafka request costs one connection and one line in the log.
func TestStrangersEndTheirOwnConnection(t *testing.T) {
	s, log := startLogged(t)
	for _, test := range strangers {
		t.Run(test.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, test.sent); err != nil {
				t.Fatal(err)
			}
			if test.reason == "" {
				conn.(*net.TCPConn).CloseWrite()
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if answer, err := io.ReadAll(conn); len(answer) > 0 || isTimeout(err) {
				t.Errorf("answer %q, error %v; want a closed connection", answer, err)
			}
			said := log.take()
			if test.reason == "" && len(said) == 0 {
				return
			}
			if len(said) != 1 || test.reason == "" || !strings.Contains(said[0], test.reason) {
				t.Errorf("log %q, want one line with %q", said, test.reason)
			}
		})
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Ping(t.Context()); err != nil {
		t.Errorf("the broker after all of them: %v", err)
	}
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// TestComplaintsAreFew: a client that comes again and again does not flood the terminal.
func TestComplaintsAreFew(t *testing.T) {
	t.Parallel()
	log := &lines{}
	c := newComplaints(slog.New(slog.NewTextHandler(log, nil)))
	for range 1000 {
		c.closed(&net.TCPAddr{}, errors.New("a TLS hello came"))
	}
	if said := log.take(); len(said) < 10 || len(said) > 30 || c.unsaid.Load() < 900 {
		t.Errorf("%d lines, %d unsaid", len(said), c.unsaid.Load())
	}
}

// TestNewerApiVersions: a client of the future learns which versions there are.
func TestNewerApiVersions(t *testing.T) {
	s, _ := startLogged(t)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(prefixed(0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0, 0xde, 0xad)); err != nil {
		t.Fatal(err)
	}
	frame := bytes.Buffer{}
	if err := readFrame(conn, &frame); err != nil {
		t.Fatal(err)
	}
	answer := kmsg.NewPtrApiVersionsResponse()
	if err := answer.ReadFrom(frame.Bytes()[prefixSize+4:]); err != nil {
		t.Fatal(err)
	}
	if answer.ErrorCode != kerr.UnsupportedVersion.Code || len(answer.ApiKeys) != 1 || answer.ApiKeys[0].MaxVersion != 5 {
		t.Errorf("answer %+v", answer)
	}
}

// TestServed compares the table with what kfake serves.
func TestServed(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer, err := kmsg.NewPtrApiVersionsRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	got := map[kmsg.Key]versionRange{}
	for _, k := range answer.ApiKeys {
		got[kmsg.Key(k.ApiKey)] = versionRange{k.MinVersion, k.MaxVersion}
	}
	delete(got, kmsg.GetTelemetrySubscriptions)
	delete(got, kmsg.PushTelemetry)
	if diff := cmp.Diff(got, served, cmp.AllowUnexported(versionRange{})); diff != "" {
		t.Errorf("(-kfake +table):\n%s", diff)
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	all := strings.Join(Unsupported(), "\n")
	for _, want := range []string{"PushTelemetry", "ILLEGAL_SASL_STATE", "remote.storage.enable"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in:\n%s", want, all)
		}
	}
	if strings.Contains(all, "Produce,") {
		t.Errorf("Produce is in:\n%s", all)
	}
}

// failing is a listener that has no descriptor left for a while.
type failing struct {
	net.Listener
	errors int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.errors > 0 {
		f.errors--
		return nil, &net.OpError{Op: "accept", Err: errors.New("too many open files")}
	}
	return f.Listener.Accept()
}

// TestFailedAcceptsPass: the port is there again when descriptors are.
func TestFailedAcceptsPass(t *testing.T) {
	t.Parallel()
	clients, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	l := newListener(patient.Wrap(&failing{clients, 3}, logger))
	var serving sync.WaitGroup
	serving.Go(func() { l.serve(nil, usualLimits, logger) })
	client, err := net.Dial("tcp", clients.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if said := log.take(); len(said) != 1 || !strings.Contains(said[0], "too many open files") {
		t.Errorf("log %q, want one line", said)
	}
	l.Close()
	serving.Wait()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// held gives connections that a broker with these limits guards, and kfake's side of each.
func held(t *testing.T, limits limits) (dial func() net.Conn, accept func() net.Conn, log *lines) {
	t.Helper()
	clients, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log = &lines{}
	l := newListener(clients)
	var serving sync.WaitGroup
	serving.Go(func() { l.serve(nil, limits, slog.New(slog.NewTextHandler(log, nil))) })
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return func() net.Conn {
			conn, err := net.Dial("tcp", clients.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			return conn
		}, func() net.Conn {
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			return conn
		}, log
}

// TestSlowClientsAreLetGo: a silent connection, one that stops within a request, and one that does not take its
// answer hold nothing for ever.
func TestSlowClientsAreLetGo(t *testing.T) {
	t.Parallel()
	const soon = 20 * time.Millisecond
	for name, test := range map[string]struct {
		limits limits
		sent   string
	}{
		"silent":           {limits{1, soon, time.Hour}, ""},
		"within a request": {limits{1, time.Hour, soon}, "\x00\x00\x00\x09abc"},
	} {
		dial, accept, log := held(t, test.limits)
		client := dial()
		if _, err := io.WriteString(client, test.sent); err != nil {
			t.Fatal(err)
		}
		if _, err := accept().Read(make([]byte, 1)); !isTimeout(err) {
			t.Errorf("%s: %v", name, err)
		}
		if said := log.take(); len(said) > 0 {
			t.Errorf("%s: log %q", name, said)
		}
	}
	dial, accept, _ := held(t, limits{1, time.Hour, soon})
	dial()
	guarded := accept().(*guarded)
	for i := range int32(1000) { // until the system's buffers are full
		guarded.waiting = append(guarded.waiting, expected{correlation: i})
		answer := prefixed(append(binary.BigEndian.AppendUint32(nil, uint32(i)), make([]byte, 1<<20)...)...)
		if _, err := guarded.Write(answer); err != nil {
			if !isTimeout(err) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("a client that takes nothing was given a thousand answers")
}

// TestConnectionsAreCounted: those beyond the limit are closed, and one that ends makes room.
func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	dial, accept, log := held(t, limits{2, time.Hour, time.Hour})
	dial()
	dial()
	first, second := accept(), accept()
	if n, err := dial().Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the third: %d, %v", n, err)
	}
	if said := log.take(); len(said) != 1 || !strings.Contains(said[0], "there are 2") {
		t.Errorf("log %q", said)
	}
	first.Close()
	first.Close() // counts once
	dial()
	accept()
	if n, err := dial().Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("one too many: %d, %v", n, err)
	}
	second.Close()
}

// TestFetchIsBounded: an answer is never larger than a broker's, whatever the client says.
func TestFetchIsBounded(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int32]int32{1: 1, mostFetched: mostFetched, math.MaxInt32: mostFetched} {
		fetch := kmsg.NewPtrFetchRequest()
		fetch.MaxBytes = asked
		if _, changed := boundFetch(fetch); fetch.MaxBytes != want || changed != (asked != want) {
			t.Errorf("%d became %d, changed %t", asked, fetch.MaxBytes, changed)
		}
	}
}

// FuzzDecode: what is taken apart is put together again as kfake will read it.
func FuzzDecode(f *testing.F) {
	for _, s := range strangers {
		if len(s.sent) > prefixSize {
			f.Add([]byte(s.sent[prefixSize:]))
		}
	}
	for key, versions := range served {
		request := kmsg.RequestForKey(key.Int16())
		for version := versions.least; version <= versions.most; version++ {
			request.SetVersion(version)
			f.Add((&call{request: request}).appendFrame(nil)[prefixSize:])
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := decode(body)
		if err != nil {
			return
		}
		again, err := decode(c.appendFrame(nil)[prefixSize:])
		if err != nil {
			t.Fatalf("%x, taken apart and put together: %v", body, err)
		}
		if c.request.Key() != again.request.Key() || c.correlation != again.correlation {
			t.Errorf("%+v became %+v", c, again)
		}
		if rule := brokerRules()[kmsg.Key(c.request.Key())]; rule != nil {
			rule(c.request)
		}
	})
}

func TestRefuseBatch(t *testing.T) {
	t.Parallel()
	record := kmsg.Record{Value: []byte("value")}
	record.Length = int32(len(record.AppendTo(nil)) - 1)
	one := record.AppendTo(nil)
	batch := func(count int32, codec int16, records []byte) []byte {
		b := kmsg.RecordBatch{Magic: 2, NumRecords: count, LastOffsetDelta: count - 1, Attributes: codec, Records: records}
		b.Length = int32(len(b.AppendTo(nil)) - 12)
		return b.AppendTo(nil)
	}
	compressed := func(codec kgo.CompressionCodec) []byte {
		c, err := kgo.DefaultCompressor(codec)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := c.Compress(new(bytes.Buffer), one)
		return slices.Clone(out)
	}
	for _, test := range []struct {
		name string
		raw  []byte
		want *kerr.Error
	}{
		{"plain", batch(1, codec.None, one), nil},
		{"gzip", batch(1, codec.Gzip, compressed(kgo.GzipCompression())), nil},
		{"snappy", batch(1, codec.Snappy, compressed(kgo.SnappyCompression())), nil},
		{"lz4", batch(1, codec.LZ4, compressed(kgo.Lz4Compression())), nil},
		{"zstd", batch(1, codec.Zstd, compressed(kgo.ZstdCompression())), nil},
		{"no gzip", batch(1, codec.Gzip, one), kerr.CorruptMessage},
		{"no snappy", batch(1, codec.Snappy, one), kerr.CorruptMessage},
		{"no lz4", batch(1, codec.LZ4, one), kerr.CorruptMessage},
		{"no zstd", batch(1, codec.Zstd, one), kerr.CorruptMessage},
		{"unknown codec", batch(1, 7, one), kerr.CorruptMessage},
		{"none of many", batch(2e9, codec.None, one), kerr.InvalidRecord},
		{"more than none", batch(0, codec.None, one), kerr.InvalidRecord},
		{"less than none", batch(-5, codec.None, one), kerr.InvalidRecord},
		{"none", batch(0, codec.None, nil), kerr.InvalidRecord},
		{"two of one", batch(1, codec.None, append(slices.Clone(one), one...)), kerr.InvalidRecord},
		{"record of a lie", batch(1, codec.None, []byte{60, 0, 0}), kerr.CorruptMessage},
		{"no batch", []byte("x"), nil},
	} {
		got := refuseBatch(test.raw)
		if (got == nil) != (test.want == nil) || got != nil && got.code != test.want {
			t.Errorf("%s: %+v, want %v", test.name, got, test.want)
		}
	}
}

// FuzzCountPlain compares the way that copies nothing with the one that reads a stream.
func FuzzCountPlain(f *testing.F) {
	record := kmsg.Record{Key: []byte("key"), Value: []byte("value"), Headers: []kmsg.Header{{Key: "k", Value: []byte("v")}}}
	record.Length = int32(len(record.AppendTo(nil)) - 1)
	f.Add(record.AppendTo(nil), 1)
	f.Add(record.AppendTo(record.AppendTo(nil)), 2)
	f.Add([]byte{60, 0, 0}, 1)
	f.Add([]byte{0x80}, 1)
	f.Fuzz(func(t *testing.T, content []byte, want int) {
		plain, read := countPlain(content, want), countRecords(bytes.NewReader(content), want)
		if (plain == nil) != (read == nil) || errors.Is(plain, errMiscounted) != errors.Is(read, errMiscounted) {
			t.Errorf("%d records in %x: %v, and read %v", want, content, plain, read)
		}
	})
}

// FuzzIsRecord compares isRecord with the library's reading.
func FuzzIsRecord(f *testing.F) {
	record := kmsg.Record{OffsetDelta: 3, Key: []byte("key"), Headers: []kmsg.Header{{Key: "k", Value: []byte("v")}, {}}}
	f.Add(record.AppendTo(nil)[1:], 3)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, content []byte, index int) {
		var read kmsg.Record
		err := read.ReadFrom(append([]byte{0}, content...))
		if want := err == nil && int(read.OffsetDelta) == index; isRecord(content, index) != want {
			t.Errorf("%x at %d: want %v (%v)", content, index, want, err)
		}
	})
}

// BenchmarkRefuseBatch judges a batch of 1,000 small records; an operation is one batch.
func BenchmarkRefuseBatch(b *testing.B) {
	batch := kmsg.RecordBatch{Magic: 2, NumRecords: 1000, LastOffsetDelta: 999}
	for i := range batch.NumRecords {
		record := kmsg.Record{OffsetDelta: i, Key: []byte("192.168.2.1"), Value: make([]byte, 200),
			Headers: []kmsg.Header{{Key: "id", Value: []byte("feed-updates/0/1")}}}
		content := record.AppendTo(nil)[1:]
		batch.Records = append(binary.AppendVarint(batch.Records, int64(len(content))), content...)
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	raw := batch.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		if why := refuseBatch(raw); why != nil {
			b.Fatal(why.reason)
		}
	}
}
