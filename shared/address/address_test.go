package address_test

import (
	"strings"
	"testing"

	"feedstream/shared/address"
)

func TestHostPort(t *testing.T) {
	for _, test := range []struct{ text, want, says string }{
		{"broker:9092", "broker:9092", ""},
		{"  127.0.0.1:9092\t", "127.0.0.1:9092", ""},
		{"[::1]:2181", "[::1]:2181", ""},
		{"", "", `"" is not host:port`},
		{"broker", "", `"broker" is not host:port`},
		{":9092", "", "is not host:port"},
		{"broker:", "", `has the port "", which is no number`},
		{"h:9O92", "", `has the port "9O92", which is no number from 1 to 65535`},
		{"h:0", "", "which is no number from 1 to 65535"},
		{"h:65536", "", "which is no number from 1 to 65535"},
		{"h:9092/kafka", "", "has the path /kafka behind it: write h:9092"},
		{"SASL_SSL://h:9092/", "", "begins with a scheme, SASL_SSL: write h:9092"},
		{"a:1 b:2", "", "several separated by commas"},
		{"a:1;b:2", "", "several separated by commas"},
		{"user@h:9092", "", "is not host:port"},
	} {
		got, err := address.HostPort(test.text)
		if got != test.want || !says(err, test.says) {
			t.Errorf("HostPort(%q) = %q, %v; want %q, %q", test.text, got, err, test.want, test.says)
		}
	}
}

func TestEndpoint(t *testing.T) {
	const bucket = "feed-reference"
	for _, test := range []struct{ text, want, says string }{
		{"https://oss-cn-hangzhou.aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com", ""},
		{" oss-cn-hangzhou-internal.aliyuncs.com/ ", "https://oss-cn-hangzhou-internal.aliyuncs.com", ""},
		{"http://127.0.0.1:8083/", "http://127.0.0.1:8083", ""},
		{"https://cn-hangzhou.oss.aliyuncs.com", "https://cn-hangzhou.oss.aliyuncs.com", ""},
		{"localhost:8083", "https://localhost:8083", ""},
		{"", "", `write it like https://oss-cn-hangzhou.aliyuncs.com`},
		{"https://", "", "write it like"},
		{"oss://bucket", "", "neither http nor https"},
		{"https://h:80x", "", `"https://h:80x" is no URL (invalid port`},
		{"https://h:99999", "", "no number from 1 to 65535"},
		{"https://h.example/feed", "", "has more than scheme, host and port: write https://h.example"},
		{"https://feed-reference.oss-cn-hangzhou.aliyuncs.com", "",
			"begins with the bucket feed-reference, which is a setting of its own: write it like https://oss-cn-hangzhou.aliyuncs.com"},
		{"Feed-Reference.oss-cn-hangzhou-internal.aliyuncs.com", "", "write it like https://oss-cn-hangzhou-internal.aliyuncs.com"},
		{"https://another.oss-cn-hangzhou.aliyuncs.com", "", "begins with the bucket another"},
		{"http://feed-reference.localhost:8083", "", "write it like http://localhost:8083"},
	} {
		got, err := address.Endpoint(test.text, bucket)
		if got != test.want || !says(err, test.says) {
			t.Errorf("Endpoint(%q) = %q, %v; want %q, %q", test.text, got, err, test.want, test.says)
		}
	}
	if _, err := address.Endpoint("https://oss-cn-hangzhou.aliyuncs.com", "oss-cn-hangzhou"); err != nil {
		t.Errorf("a bucket that is called as the region's host: %v", err)
	}
}

func says(err error, want string) bool {
	if want == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), want)
}
