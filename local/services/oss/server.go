// Package oss is an embedded Alibaba Cloud OSS: the HTTP wire of the object operations that a
// feed's functions and ordinary tools need, with checked signatures (V4 and V1) and objects on disk.
//
// It answers path-style requests (http://host:port/bucket/key): PutObject, GetObject, HeadObject,
// DeleteObject, ListObjectsV2, GetBucketInfo and ListBuckets, with conditional headers, ranges,
// x-oss-forbid-overwrite, Content-MD5, CRC64, ETag and x-oss-meta-*. Every other operation is
// refused by name with NotImplemented; nothing is silently ignored.
package oss

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"feedstream/local/services/patient"
)

// Options say how the server is started.
type Options struct {
	// Addr is the host:port to listen on; port 0 takes a free one.
	Addr string
	// Dir holds the objects. It is created when absent; one process at a time may use it.
	Dir string
	// AccessKeyID and AccessKeySecret are the one key that may sign requests. A security token is
	// accepted when it is signed, and not looked at.
	AccessKeyID, AccessKeySecret string
	Region                       string
	// Buckets exist once Start has returned.
	Buckets []string
	// Now is the clock for signatures and modification times; nil means time.Now.
	Now func() time.Time
	// Logger is told of broken requests; nil discards.
	Logger *slog.Logger
}

// Server is a running OSS.
type Server struct {
	options  Options
	now      func() time.Time
	buckets  map[string]*store
	listener net.Listener
	http     *http.Server
	lock     *flock.Flock
	requests atomic.Int64
	fault    atomic.Pointer[func(Call) Fault]
}

// Start opens the buckets and listens. Everything acknowledged before a crash is there again.
func Start(options Options) (*Server, error) {
	if options.Dir == "" || options.AccessKeyID == "" || options.AccessKeySecret == "" || options.Region == "" {
		return nil, errors.New("oss: data directory, access key and region must be set")
	}
	lock, err := lockDir(options.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{options: options, now: options.Now, buckets: map[string]*store{}, lock: lock}
	if s.now == nil {
		s.now = time.Now
	}
	if options.Logger == nil {
		s.options.Logger = slog.New(slog.DiscardHandler)
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return s, nil
}

// lockDir keeps a second process away from the directory. No bucket can have the lock's name.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("oss: make the data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("oss: lock the data directory %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("oss: another process uses the data directory %s: stop it or choose another", dir)
	}
	return lock, nil
}

func (s *Server) start() error {
	for _, bucket := range s.options.Buckets {
		opened, err := openStore(filepath.Join(s.options.Dir, bucket))
		if err != nil {
			return err
		}
		s.buckets[bucket] = opened
	}
	listener, err := net.Listen("tcp", s.options.Addr)
	if err != nil {
		return fmt.Errorf("oss: listen on %s: %w", s.options.Addr, err)
	}
	s.listener = patient.Wrap(listener, s.options.Logger)
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelWarn),
	}
	go func() { _ = s.http.Serve(s.listener) }() // ends with Close
	return nil
}

// Addr returns the host:port that clients connect to.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close stops the server; requests under way have two seconds to end. It may be called again.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	return errors.Join(err, s.lock.Unlock())
}
