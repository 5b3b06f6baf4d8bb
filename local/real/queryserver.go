package real

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

//go:embed QueryServer.java
var queryServerProgram []byte

// QueryServer is the Phoenix Query Server, which thin drivers speak to.
type QueryServer struct {
	URL string // http://127.0.0.1:port

	process *process
}

// StartQueryServer returns when the Query Server of a running HBase listens. Its log goes to the folder of HBase.
func StartQueryServer(ctx context.Context, h *HBase) (*QueryServer, error) {
	jars, err := Jars(ctx, "queryserver")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(h.folder, "QueryServer.java")
	if err := os.WriteFile(program, queryServerProgram, 0o644); err != nil {
		return nil, fmt.Errorf("write the program of the Query Server: %w", err)
	}
	// Its jar holds a web server of a version of its own: it comes before the client, which holds parts of another.
	classpath := filepath.Join(h.folder, "conf") + ":" + filepath.Join(jars, "phoenix-queryserver-6.0.0.jar") + ":" +
		filepath.Join(jars, "*")
	addr := "127.0.0.1:" + strconv.Itoa(h.ports.query)
	q := &QueryServer{URL: "http://" + addr}
	q.process, err = start("queryserver", h.folder, "-Xmx512m", "-cp", classpath, program)
	if err != nil {
		return nil, err
	}
	if err := q.process.await(ctx, dial("127.0.0.1", h.ports.query)); err != nil {
		q.process.kill()
		return nil, err
	}
	return q, nil
}

// Stop ends the Query Server.
func (q *QueryServer) Stop() { q.process.stop() }
