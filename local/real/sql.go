package real

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"feedstream/local/real/child"
)

//go:embed Sql.java
var sqlProgram []byte

// SQL is a connection of Phoenix's own JDBC driver, in a process of its own.
type SQL struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// connect returns when Phoenix answers, which on a new HBase is after it has made its system tables.
func connect(ctx context.Context, c *Client) (*SQL, error) {
	return open(ctx, c.folder, c.classpath, c.ZooKeeper)
}

// OpenDriver connects with Phoenix's driver as a database tool loads it: one jar, no configuration but
// the address and the connection properties ("name=value"). Logs go to folder.
func OpenDriver(ctx context.Context, folder, zookeeper string, properties ...string) (*SQL, error) {
	jars, err := Jars(ctx, "queryserver") // which has this jar for the same purpose
	if err != nil {
		return nil, err
	}
	classpath := filepath.Join(jars, "phoenix-client-embedded-hbase-2.5-5.2.1.jar") + ":" + filepath.Join(jars, "*")
	return open(ctx, folder, classpath, zookeeper, properties...)
}

func open(ctx context.Context, folder, classpath, zookeeper string, properties ...string) (*SQL, error) {
	program := filepath.Join(folder, "Sql.java")
	if err := os.WriteFile(program, sqlProgram, 0o644); err != nil {
		return nil, fmt.Errorf("write the SQL program: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(folder, "sql.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of the SQL program: %w", err)
	}
	defer log.Close()
	args := []string{"-Xmx512m", "-cp", classpath, program, "jdbc:phoenix:" + zookeeper + ":/hbase"}
	s := &SQL{cmd: exec.Command("java", append(args, properties...)...)}
	s.cmd.Stderr = log
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("connect to Phoenix: %w", err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to Phoenix: %w", err)
	}
	s.answers = bufio.NewScanner(out)
	s.answers.Buffer(nil, 1<<20)
	if err := child.Start(s.cmd); err != nil {
		return nil, fmt.Errorf("connect to Phoenix: %w", err)
	}
	ended := context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })
	defer ended()
	if _, err := s.answer(); err != nil {
		s.close()
		return nil, fmt.Errorf("connect to Phoenix: %w; the end of %s:\n%s", err, log.Name(), tail(log.Name()))
	}
	return s, nil
}

// Query runs one statement and returns its rows; times are epoch milliseconds, NULL is "null".
// Tabs and line feeds inside of values come back as blanks.
func (s *SQL) Query(statement string) ([][]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintln(s.in, strings.ReplaceAll(statement, "\n", " ")); err != nil {
		return nil, fmt.Errorf("send to Phoenix: %w", err)
	}
	rows, err := s.answer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", statement, err)
	}
	return rows, nil
}

// Flush writes a table's memory to files.
func (s *SQL) Flush(table string) error {
	_, err := s.Query("!flush " + table)
	return err
}

// Compact returns when a major compaction of a table has ended: deleted and superseded cells are gone.
func (s *SQL) Compact(table string) error {
	_, err := s.Query("!compact " + table)
	return err
}

// Move has every region of a table served by another region server.
func (s *SQL) Move(table string) error {
	_, err := s.Query("!move " + table)
	return err
}

// Split splits the first four regions of a salted table that hold all keys of their salt, each where its keys reach
// the given text after the salt. It returns when the new regions are open.
func (s *SQL) Split(table, at string) error {
	_, err := s.Query("!split " + table + " " + at)
	return err
}

// Scan returns row, qualifier and value of every cell of a table, with bytes that are no text as \xNN.
func (s *SQL) Scan(table string) ([][]string, error) { return s.Query("!scan " + table) }

func (s *SQL) answer() (rows [][]string, err error) {
	for s.answers.Scan() {
		line := s.answers.Text()
		switch {
		case line == ".":
			return rows, nil
		case strings.HasPrefix(line, "!"):
			return nil, errors.New(line[1:])
		case strings.HasPrefix(line, "="):
			rows = append(rows, strings.Split(line[1:], "\t"))
		}
	}
	return nil, errors.Join(errors.New("the SQL program ended"), s.answers.Err())
}

func (s *SQL) close() {
	_ = s.in.Close()
	_ = s.cmd.Process.Kill() // it holds nothing
	_ = s.cmd.Wait()         // killed: it reports so
}
