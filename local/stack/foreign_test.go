package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/segmentio/kafka-go"
	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// What the stack wrote is there for anybody's programs: the plain clients here use nothing of ours.
func TestForeignClientsReadWhatTheStackWrote(t *testing.T) {
	s := running(t)
	s.publishSome(t, 1)
	s.balances(t, 2000)
	e := s.endpoints

	t.Run("mongo-driver", func(t *testing.T) {
		client, err := mongo.Connect(options.Client().ApplyURI(e.MongoDB))
		must(t, err)
		defer func() { _ = client.Disconnect(context.Background()) }()
		var stock struct {
			CompanyName string `bson:"CompanyName"`
		}
		must(t, client.Database("reference").Collection("stock").FindOne(t.Context(), bson.M{"symbol": "2318.HK"}).Decode(&stock))
		if !strings.HasPrefix(stock.CompanyName, "Ping An") {
			t.Errorf("2318.HK is %q", stock.CompanyName)
		}
	})
	t.Run("OSS SDK", func(t *testing.T) {
		client, err := oss.New(e.OSS, e.AccessKeyID, e.AccessKeySecret, oss.AuthVersion(oss.AuthV4), oss.Region("cn-local"))
		must(t, err)
		bucket, err := client.Bucket("feed-reference")
		must(t, err)
		var manifest struct{ Object, SHA256 string }
		must(t, json.Unmarshal(object(t, bucket, "stock/manifest.json"), &manifest))
		sum := sha256.Sum256(object(t, bucket, manifest.Object))
		if hex.EncodeToString(sum[:]) != manifest.SHA256 {
			t.Errorf("%s has sha256 %x, the manifest says %s", manifest.Object, sum, manifest.SHA256)
		}
	})
	t.Run("gohbase", func(t *testing.T) {
		client := gohbase.NewClient(e.ZooKeeper)
		defer client.Close()
		scan, err := hrpc.NewScanStr(t.Context(), "USER_TEST.STOCK")
		must(t, err)
		rows := 0
		for scanner := client.Scan(scan); ; rows++ {
			row, err := scanner.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			if len(row.Cells) != 10 { // nine columns and Phoenix's empty one
				t.Fatalf("row %q has %d cells", row.Cells[0].Row, len(row.Cells))
			}
		}
		if rows == 0 {
			t.Error("the table is empty")
		}
	})
	t.Run("kafka-go", func(t *testing.T) {
		read := 0
		for partition := range 4 {
			reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{e.Kafka}, Topic: "feed-records", Partition: partition,
				MaxWait: 50 * time.Millisecond})
			conn, err := kafka.DialLeader(t.Context(), "tcp", e.Kafka, "feed-records", partition)
			must(t, err)
			end, err := conn.ReadLastOffset()
			must(t, errors.Join(err, conn.Close()))
			for range end {
				m, err := reader.ReadMessage(t.Context())
				must(t, err)
				headers := map[string]string{}
				for _, h := range m.Headers {
					headers[h.Key] = string(h.Value)
				}
				if headers["ce_specversion"] != "1.0" || headers["ce_type"] != "feedstream.record.v1" ||
					headers["ce_subject"] != string(m.Key) || !strings.HasPrefix(headers["ce_id"], "feed-updates/") {
					t.Fatalf("headers %v", headers)
				}
				read++
			}
			must(t, reader.Close())
		}
		if read != 2000 {
			t.Errorf("%d records, want 2000", read)
		}
	})
	t.Run("HTTP", func(t *testing.T) {
		response, err := http.Get(e.HTTPTriggers["feed-query"] + "/stocks/2318.HK?limit=50")
		must(t, err)
		defer response.Body.Close()
		var page struct {
			Items []struct{ StockCode, Timestamp string }
		}
		must(t, json.NewDecoder(response.Body).Decode(&page))
		if len(page.Items) < 2 {
			t.Fatalf("%d rows", len(page.Items))
		}
		for i, item := range page.Items {
			if item.StockCode != "2318.HK" || i > 0 && item.Timestamp > page.Items[i-1].Timestamp {
				t.Errorf("row %d: %+v after %+v", i, item, page.Items[max(i-1, 0)])
			}
		}
	})
}

func object(t *testing.T, bucket *oss.Bucket, key string) []byte {
	t.Helper()
	body, err := bucket.GetObject(key)
	must(t, err)
	defer body.Close()
	content, err := io.ReadAll(body)
	must(t, err)
	return content
}
