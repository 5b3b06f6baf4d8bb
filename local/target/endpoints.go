package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Endpoints says where a running local stack is reached. `up` writes it once everything is ready, into the
// data directory and where --endpoints says; the other verbs read it from there.
type Endpoints struct {
	Console         string            `json:"console"`
	FC              string            `json:"fc"`
	Kafka           string            `json:"kafka"`
	MongoDB         string            `json:"mongodb"`
	OSS             string            `json:"oss"`
	ZooKeeper       string            `json:"zookeeper"`
	HTTPTriggers    map[string]string `json:"httpTriggers"`
	AccessKeyID     string            `json:"accessKeyId"`
	AccessKeySecret string            `json:"accessKeySecret"`
	// ConsoleToken lets in to a console that listens beyond loopback; empty: it does not.
	ConsoleToken string `json:"consoleToken,omitempty"`
	// Environment is where the services are, in the functions' variables and with the key of OSS.
	Environment map[string]string `json:"environment"`
	Names       Names             `json:"names"`
}

// Names in a data directory: the endpoints of the stack that runs there, the lock that it holds, and the folder of
// what its functions print, one file a function.
const (
	EndpointsFile = "endpoints.json"
	LockFile      = "lock"
	LogFolder     = "logs"
)

// Endpoints are those of a stack on these services; where its own servers are is left to the caller.
func (t *Target) Endpoints() Endpoints {
	return Endpoints{
		Kafka: t.Address(Kafka), MongoDB: t.Address(MongoDB), OSS: t.Address(OSS), ZooKeeper: t.Address(HBase),
		AccessKeyID: t.Credentials.AccessKeyID, AccessKeySecret: t.Credentials.AccessKeySecret,
		HTTPTriggers: map[string]string{}, Environment: t.values, Names: t.Names,
	}
}

// Write puts the file in place in one step: a reader sees all of it or none. It holds keys and a token, so only
// its owner may read it, whatever stood under its name before.
func (e *Endpoints) Write(path string) error {
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	beside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	_, err = beside.Write(append(body, '\n'))
	if err = errors.Join(err, beside.Close()); err == nil {
		err = os.Rename(beside.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write endpoints: %w", errors.Join(err, os.Remove(beside.Name())))
	}
	return nil
}

// Running reads the endpoints of the stack that runs on a data directory. What a stack that was killed has
// left there is told from one that runs by its lock.
func Running(dataDir string) (*Endpoints, error) {
	path := filepath.Join(dataDir, EndpointsFile)
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notRunning(dataDir, "")
	}
	if err != nil {
		return nil, fmt.Errorf("find the running stack: %w", err)
	}
	lock := flock.New(filepath.Join(dataDir, LockFile))
	free, err := lock.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("find the running stack: look at the lock of %s: %w", dataDir, err)
	}
	if free {
		_ = lock.Unlock() // closed with the process anyway
		return nil, notRunning(dataDir, ": the last one was killed")
	}
	var e Endpoints
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &e, nil
}

func notRunning(dataDir, how string) error {
	return fmt.Errorf("no stack runs on the data directory %s%s: start one with `feedstream up`, or name another with --data", dataDir, how)
}

// FromStack is the target of the stack that runs on a data directory.
func FromStack(dataDir string) (Target, error) {
	running, err := Running(dataDir)
	if err != nil {
		return Target{}, err
	}
	t, err := Parse(running.Environment, running.Names)
	t.Console, t.ConsoleToken = running.Console, running.ConsoleToken
	return t, err
}
