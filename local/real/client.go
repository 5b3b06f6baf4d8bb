package real

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"feedstream/local/real/child"
)

// Client is Phoenix's own client, on an HBase that runs anywhere: JDBC with the thick driver, HBase's
// administration, and the IndexTool. It is configured as DBeaver is to be: by the address of ZooKeeper
// and by the properties that turn the mapping of namespaces off.
type Client struct {
	ZooKeeper string // host:port
	SQL       *SQL

	folder, classpath string
}

// Connect returns when Phoenix answers. Settings and logs go to folder.
func Connect(ctx context.Context, folder, zookeeper string) (*Client, error) {
	c, err := newClient(ctx, folder, zookeeper)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(zookeeper, ":")
	err = c.configure(map[string]string{
		"hbase.zookeeper.quorum": host, "hbase.zookeeper.property.clientPort": port,
		"phoenix.schema.isNamespaceMappingEnabled": "false", "phoenix.schema.mapSystemTablesToNamespace": "false",
	})
	if err != nil {
		return nil, fmt.Errorf("configure Phoenix's client: %w", err)
	}
	if c.SQL, err = connect(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() { c.SQL.close() }

func newClient(ctx context.Context, folder, zookeeper string) (*Client, error) {
	jars, err := Jars(ctx, "hbase")
	if err != nil {
		return nil, err
	}
	return &Client{
		ZooKeeper: zookeeper, folder: folder,
		classpath: filepath.Join(folder, "conf") + ":" + filepath.Join(jars, "*"),
	}, nil
}

// configure writes the settings that everything on the classpath reads, and keeps logs short.
func (c *Client) configure(settings map[string]string) error {
	var text strings.Builder
	text.WriteString("<configuration>\n")
	for name, value := range settings {
		fmt.Fprintf(&text, "<property><name>%s</name><value>", name)
		if err := xml.EscapeText(&text, []byte(value)); err != nil {
			return err
		}
		text.WriteString("</value></property>\n")
	}
	text.WriteString("</configuration>\n")
	conf := filepath.Join(c.folder, "conf")
	const pattern = "%d{ISO8601} %-5p [%t] %c{2}: %.1000m%n"
	return errors.Join(
		os.MkdirAll(conf, 0o755),
		os.WriteFile(filepath.Join(conf, "hbase-site.xml"), []byte(text.String()), 0o644),
		os.WriteFile(filepath.Join(conf, "log4j2.properties"), []byte("status = warn\nrootLogger.level = warn\n"+
			"rootLogger.appenderRef.c.ref = c\nappender.c.type = Console\nappender.c.name = c\nappender.c.target = SYSTEM_ERR\n"+
			"appender.c.layout.type = PatternLayout\nappender.c.layout.pattern = "+pattern+"\n"), 0o644),
		// The Query Server has log4j's first version.
		os.WriteFile(filepath.Join(conf, "log4j.properties"), []byte("log4j.rootLogger = WARN, c\nlog4j.appender.c = org.apache.log4j.ConsoleAppender\n"+
			"log4j.appender.c.target = System.err\nlog4j.appender.c.layout = org.apache.log4j.PatternLayout\n"+
			"log4j.appender.c.layout.ConversionPattern = "+pattern+"\n"), 0o644),
	)
}

// VerifyIndex has Phoenix's IndexTool compare a table with its index, changing neither, and returns
// what it counted, by the names it uses.
func (c *Client) VerifyIndex(ctx context.Context, schema, table, index string) (map[string]int, error) {
	verify := exec.CommandContext(ctx, "java", "-Xmx1g", "-cp", c.classpath, "org.apache.phoenix.mapreduce.index.IndexTool",
		"-s", schema, "-dt", table, "-it", index, "-v", "ONLY", "-runfg", "-op", filepath.Join(c.folder, "verified"))
	verify.Dir = c.folder
	if output, err := child.CombinedOutput(verify); err != nil {
		return nil, fmt.Errorf("verify the index %s: %w; its end:\n%s", index, err, output[max(0, len(output)-3000):])
	}
	cells, err := c.SQL.Scan("PHOENIX_INDEX_TOOL_RESULT")
	if err != nil {
		return nil, fmt.Errorf("read what the verification of %s counted: %w", index, err)
	}
	counted := map[string]int{}
	for _, cell := range cells {
		if n, err := strconv.Atoi(cell[2]); err == nil {
			counted[cell[1]] += n
		}
	}
	return counted, nil
}
