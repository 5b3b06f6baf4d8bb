package hbase

import (
	"net"
	"strings"
	"testing"
	"time"

	embedded "feedstream/local/services/hbase"
)

// A wrong place is named by its cause, long before the time of a call runs out.
func TestLook(t *testing.T) {
	s, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no such root":    {Config{ZooKeeper: s.ZooKeeperAddr(), Root: "/hbase-unsecure"}, "no HBase below /hbase-unsecure in this ZooKeeper"},
		"nothing listens": {Config{ZooKeeper: closed.Addr().String()}, "connection refused"},
		"no such host":    {Config{ZooKeeper: "no.such.host.invalid:2181"}, "no.such.host.invalid"},
		"no ZooKeeper":    {Config{ZooKeeper: silent(t)}, "is this a ZooKeeper?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			began := time.Now()
			_, err = c.Catalog(t.Context(), "A.B", "A.C")
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.cfg.ZooKeeper) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
			t.Logf("after %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
