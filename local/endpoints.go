package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// endpoints says where a running local stack is reached. `up` writes it once everything is ready,
// into the data directory and where --endpoints says; the other verbs read it from there.
type endpoints struct {
	Console         string            `json:"console"`
	FC              string            `json:"fc"`
	Kafka           string            `json:"kafka"`
	MongoDB         string            `json:"mongodb"`
	OSS             string            `json:"oss"`
	ZooKeeper       string            `json:"zookeeper"`
	HTTPTriggers    map[string]string `json:"httpTriggers"`
	AccessKeyID     string            `json:"accessKeyId"`
	AccessKeySecret string            `json:"accessKeySecret"`
	// Environment is how the services are reached, in the functions' variables and with the key of OSS.
	Environment environment `json:"environment"`
}

const endpointsFile = "endpoints.json"

// write puts the file in place in one step: a reader sees all of it or none. It holds the local
// access key, so only its owner may read it.
func (e *endpoints) write(path string) error {
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	beside := path + ".tmp"
	if err := os.WriteFile(beside, append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	if err := os.Rename(beside, path); err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	return nil
}

// runningStack reads the endpoints of the stack that runs on a data directory.
func runningStack(dataDir string) (*endpoints, error) {
	path := filepath.Join(dataDir, endpointsFile)
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no stack runs on the data directory %s: start one with `feedstream up`,"+
			" or name another with --data", dataDir)
	}
	if err != nil {
		return nil, fmt.Errorf("find the running stack: %w", err)
	}
	var e endpoints
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &e, nil
}
