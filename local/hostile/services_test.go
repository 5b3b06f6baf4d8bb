package hostile_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/mongodb"
	"feedstream/local/services/oss"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestServicesEndure has the embedded servers hear everything.
func TestServicesEndure(t *testing.T) {
	base, zookeeper := hbasePorts(t)
	endures(t, []port{kafkaPort(t), base, zookeeper, mongodbPort(t), ossPort(t)})
}

func kafkaPort(t *testing.T) port {
	s := must[*kafka.Server](t)(kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Topics: []kafka.Topic{{Name: "t", Partitions: 1}}}))
	t.Cleanup(func() { s.Close() })
	request := func(name string, version int16, r kmsg.Request) input {
		r.SetVersion(version)
		return input{name: name, said: kmsg.NewRequestFormatter().AppendRequest(nil, r, 1)}
	}
	lie := func(name string, version int16, r kmsg.Request, end string) input {
		in := request(name, version, r)
		in.said = append(in.said[:len(in.said)-1], end...) // in place of the number of tags
		binary.BigEndian.PutUint32(in.said, uint32(len(in.said)-4))
		return in
	}
	topic := func(name string, partitions int32) kmsg.Request {
		r := kmsg.NewPtrCreateTopicsRequest()
		r.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}
		return r
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.MaxBytes, fetch.MinBytes, fetch.MaxWaitMillis = math.MaxInt32, math.MaxInt32, 100
	fetch.Topics = []kmsg.FetchRequestTopic{{Topic: "t", Partitions: []kmsg.FetchRequestTopicPartition{{PartitionMaxBytes: math.MaxInt32}}}}
	own := []input{
		lie("2^32-1 tags", 12, kmsg.NewPtrMetadataRequest(), "\xff\xff\xff\xff\x0f"),
		lie("2^28 tags in a produce", 9, kmsg.NewPtrProduceRequest(), "\xff\xff\xff\x7f"),
		text("2^31-1 topics", "\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff\xff\xff"),
		request("three million partitions", 5, topic("many", 3_000_000)),
		request("a topic outside of the directory", 5, topic("../../outside", 1)),
		request("a fetch of two gigabytes", 12, fetch),
	}
	for codec, records := range []string{"plain", "no gzip", "no snappy", "no lz4", "no zstd"} {
		own = append(own, request("a batch of "+records, 8, produce(batch(int16(codec), 1, records))))
	}
	for _, count := range []int32{2_000_000_000, 0, -5} {
		own = append(own, request(fmt.Sprintf("a batch of %d records", count), 8, produce(batch(0, count, "\x0c\x00\x00\x00\x01\x02x\x00"))))
	}
	client := must[*kgo.Client](t)(kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.DefaultProduceTopic("t")))
	t.Cleanup(client.Close)
	return port{name: "Kafka", addr: s.Addr(), own: own, good: func(ctx context.Context) error {
		return client.ProduceSync(ctx, kgo.StringRecord("good")).FirstErr()
	}}
}

func produce(batch []byte) kmsg.Request {
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = 1, 1000
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
	return r
}

// batch is one that says of itself what it is told to.
func batch(codec int16, count int32, records string) []byte {
	b := kmsg.RecordBatch{Magic: 2, NumRecords: count, LastOffsetDelta: count - 1, Attributes: codec, Records: []byte(records),
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
	const before = 12 // the offset and the length itself
	b.Length = int32(len(b.AppendTo(nil)) - before)
	return b.AppendTo(nil)
}

// hbasePorts are those of the region server and of ZooKeeper.
func hbasePorts(t *testing.T) (base, zookeeper port) {
	s := must[*hbase.Server](t)(hbase.Start(hbase.Options{Dir: t.TempDir()}))
	t.Cleanup(func() { s.Close() })
	header := &pb.ConnectionHeader{ServiceName: proto.String("ClientService"),
		CellBlockCodecClass: proto.String("org.apache.hadoop.hbase.codec.KeyValueCodec")}
	encoded := must[[]byte](t)(proto.Marshal(header))
	hello := append(binary.BigEndian.AppendUint32([]byte("HBas\x00\x50"), uint32(len(encoded))), encoded...)
	call := func(name, method string, m proto.Message) input {
		text := must[[]byte](t)(proto.Marshal(&pb.RequestHeader{CallId: proto.Uint32(1), MethodName: &method, RequestParam: proto.Bool(true)}))
		body := protowire.AppendBytes(protowire.AppendBytes(nil, text), must[[]byte](t)(proto.Marshal(m)))
		return input{name: name, said: append(binary.BigEndian.AppendUint32(hello[:len(hello):len(hello)], uint32(len(body))), body...)}
	}
	meta := &pb.RegionSpecifier{Type: pb.RegionSpecifier_REGION_NAME.Enum(), Value: []byte("hbase:meta,,1")}
	own := []input{
		call("8,000 filters, one within the other", "Scan", &pb.ScanRequest{Region: meta, Scan: &pb.Scan{Filter: nested(t, 8_000)}}),
		call("10,000 gets at once", "Multi", gets(meta, 10_000)),
		call("a row of a megabyte", "Get", &pb.GetRequest{Region: meta, Get: &pb.Get{Row: make([]byte, 1<<20)}}),
		call("a table outside of the directory", "CreateTable", &pb.CreateTableRequest{TableSchema: &pb.TableSchema{
			TableName: &pb.TableName{Namespace: []byte("default"), Qualifier: []byte("../../outside")}}}),
		call("a mutation of 2^31-1 cells", "Mutate", &pb.MutateRequest{Region: meta, Mutation: &pb.MutationProto{
			Row: []byte("r"), MutateType: pb.MutationProto_PUT.Enum(), AssociatedCellCount: proto.Int32(math.MaxInt32)}}),
	}
	for i := range 12 {
		own = append(own, input{name: fmt.Sprint("256 MB announced, ", i), said: append(hello[:len(hello):len(hello)], 0x10, 0, 0, 0), hangs: true})
	}
	good := func(ctx context.Context) error {
		client := gohbase.NewClient(s.ZooKeeperAddr(), gohbase.Logger(slog.New(slog.DiscardHandler)))
		defer client.Close()
		get, err := hrpc.NewGetStr(ctx, "USER_TEST.STOCK", "\x00good")
		if err == nil {
			_, err = client.Get(get)
		}
		return err
	}
	return port{name: "HBase", addr: s.Addr(), own: own, good: good}, port{name: "ZooKeeper", addr: s.ZooKeeperAddr(), good: good}
}

// nested is a list of filters in a list of filters, so many deep.
func nested(t *testing.T, depth int) *pb.Filter {
	const list = "org.apache.hadoop.hbase.filter.FilterList"
	inner := must[[]byte](t)(proto.Marshal(&pb.PageFilter{PageSize: proto.Int64(1)}))
	f := &pb.Filter{Name: proto.String("org.apache.hadoop.hbase.filter.PageFilter"), SerializedFilter: inner}
	for range depth {
		f = &pb.Filter{Name: proto.String(list), SerializedFilter: must[[]byte](t)(proto.Marshal(
			&pb.FilterList{Operator: pb.FilterList_MUST_PASS_ALL.Enum(), Filters: []*pb.Filter{f}}))}
	}
	return f
}

func gets(region *pb.RegionSpecifier, n int) *pb.MultiRequest {
	action := &pb.RegionAction{Region: region}
	for i := range n {
		action.Action = append(action.Action, &pb.Action{Index: proto.Uint32(uint32(i)), Get: &pb.Get{Row: []byte("r")}})
	}
	return &pb.MultiRequest{RegionAction: []*pb.RegionAction{action}}
}

func mongodbPort(t *testing.T) port {
	s := must[*mongodb.Server](t)(mongodb.Start(mongodb.Options{Dir: t.TempDir()}))
	t.Cleanup(func() { s.Close() })
	client := must[*mongo.Client](t)(mongo.Connect(options.Client().ApplyURI("mongodb://" + s.Addr())))
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	command := func(name string, document []byte) input {
		const opMsg, headers = 2013, 16 + 4 + 1
		said := binary.LittleEndian.AppendUint32(nil, uint32(headers+len(document)))
		said = binary.LittleEndian.AppendUint32(append(said, 1, 0, 0, 0, 0, 0, 0, 0), opMsg)
		return input{name: name, said: append(append(said, 0, 0, 0, 0, 0), document...)}
	}
	update := func(path string) []byte {
		return must[[]byte](t)(bson.Marshal(bson.D{{Key: "update", Value: "c"}, {Key: "$db", Value: "d"}, {Key: "updates", Value: bson.A{
			bson.D{{Key: "q", Value: bson.D{}}, {Key: "u", Value: bson.D{{Key: "$set", Value: bson.D{{Key: path, Value: 1}}}}}, {Key: "upsert", Value: true}}}}}))
	}
	lie := must[[]byte](t)(bson.Marshal(bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "d"}}))
	binary.LittleEndian.PutUint32(lie, math.MaxInt32)
	return port{name: "MongoDB", addr: s.Addr(), own: []input{
		command("a document 10,000 deep", deep(10_000)),
		command("a document that is longer than its message", lie),
		command("a path of 60,000 parts", update(strings.Repeat("a.", 60_000)+"a")),
		command("a name of a megabyte", update(strings.Repeat("a", 1<<20))),
	}, good: func(ctx context.Context) error { return client.Ping(ctx, nil) }}
}

// deep is a document in a document, so many deep.
func deep(depth int) []byte {
	const around = 4 + 1 + 2 + 1 // length, type, name, end
	document := make([]byte, 0, depth*around+5)
	for level := depth; level > 0; level-- {
		document = binary.LittleEndian.AppendUint32(document, uint32(level*around+5))
		document = append(document, 3, 'a', 0)
	}
	document = append(document, 5, 0, 0, 0, 0)
	return append(document, make([]byte, depth)...)
}

func ossPort(t *testing.T) port {
	s := must[*oss.Server](t)(oss.Start(oss.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), AccessKeyID: "id", AccessKeySecret: "secret",
		Region: "cn-local", Buckets: []string{"b"}}))
	t.Cleanup(func() { s.Close() })
	return port{name: "OSS", addr: s.Addr(), own: []input{
		{name: "an object of five gigabytes, begun", said: []byte("PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5368709120\r\n\r\nx"), hangs: true},
		text("a listing of four thousand million", "GET /b?list-type=2&max-keys=4294967295 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		text("ten thousand ranges", "GET /b/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=0-0"+strings.Repeat(",0-0", 10_000)+"\r\n\r\n"),
		text("a signature of nothing", "GET /b/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: OSS4-HMAC-SHA256 "+strings.Repeat("Credential=/,", 1000)+"\r\n\r\n"),
	}, good: refusal("http://" + s.Addr() + "/b/good")}
}

// refusal is a client that is served by being told that it must not: it has signed nothing.
func refusal(url string) func(context.Context) error { return answer(url, http.StatusForbidden) }

func answer(url string, want int) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != want {
			return fmt.Errorf("%s answers %s, want %d", url, response.Status, want)
		}
		return nil
	}
}
