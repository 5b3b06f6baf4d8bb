package oss

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// store keeps the objects of one bucket in a directory, one file an object: a line of JSON with the
// metadata, then the body. A file is written beside, synced and renamed into place, so that after a
// crash an object is there as a whole or not at all.
type store struct {
	dir string
	mu  sync.RWMutex
	// index knows every object's metadata; the files are the truth it is built from.
	index map[string]metadata
}

type metadata struct {
	Key      string    `json:"key"`
	Size     int64     `json:"size"`
	ETag     string    `json:"etag"` // with the quotation marks of the header
	CRC64    uint64    `json:"crc64"`
	Modified time.Time `json:"modified"`
	// Header holds what the put said about the object: Content-Type and its like, x-oss-meta-*. Lower case.
	Header map[string]string `json:"header,omitempty"`
}

var (
	errAbsent = errors.New("no such object")
	errExists = errors.New("the object exists")

	crcTable = crc64.MakeTable(crc64.ECMA)
)

const (
	objectSuffix  = ".object"
	partialSuffix = ".partial"
)

// openStore reads the directory. Files that a crash left half-written are removed.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("oss: make the bucket directory: %w", err)
	}
	s := &store{dir: dir, index: map[string]metadata{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("oss: read the bucket directory: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case strings.HasSuffix(entry.Name(), partialSuffix):
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("oss: remove what a crash left: %w", err)
			}
		case strings.HasSuffix(entry.Name(), objectSuffix):
			m, _, err := readFile(path)
			if err != nil {
				return nil, err
			}
			if s.path(m.Key) != path {
				return nil, fmt.Errorf("oss: the file %s holds the object %q: remove or rename it", path, m.Key)
			}
			s.index[m.Key] = m
		}
	}
	return s, nil
}

// path names a key's file by its hash: safe whatever the key holds, short enough for every file system, and
// distinct where a file system takes upper and lower case for one. The key itself stands in the file.
func (s *store) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:])+objectSuffix)
}

func readFile(path string) (metadata, []byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return metadata{}, nil, fmt.Errorf("oss: %w", err)
	}
	header, body, _ := strings.Cut(string(content), "\n")
	var m metadata
	if err := json.Unmarshal([]byte(header), &m); err != nil || m.Size != int64(len(body)) {
		return metadata{}, nil, fmt.Errorf("oss: the file %s is damaged: remove it to go on without that object", path)
	}
	return m, []byte(body), nil
}

func (s *store) get(key string) (metadata, []byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ok := s.index[key]; !ok {
		return metadata{}, nil, errAbsent
	}
	return readFile(s.path(key))
}

// put stores an object durably. With forbid it returns errExists when the key is taken.
func (s *store) put(m metadata, body []byte, forbid bool) (metadata, error) {
	sum := md5.Sum(body)
	m.Size, m.CRC64 = int64(len(body)), crc64.Checksum(body, crcTable)
	m.ETag = strconv.Quote(strings.ToUpper(hex.EncodeToString(sum[:])))
	header, err := json.Marshal(m)
	if err != nil {
		return metadata{}, fmt.Errorf("oss: encode the metadata: %w", err)
	}
	partial, err := s.writePartial(header, body)
	if err != nil {
		return metadata{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.index[m.Key]; taken && forbid {
		return metadata{}, errors.Join(errExists, os.Remove(partial))
	}
	if err := os.Rename(partial, s.path(m.Key)); err != nil {
		return metadata{}, fmt.Errorf("oss: put the object in place: %w", errors.Join(err, os.Remove(partial)))
	}
	if err := syncDir(s.dir); err != nil {
		return metadata{}, err
	}
	s.index[m.Key] = m
	return m, nil
}

// remove deletes an object; an absent one is no error, as in OSS.
func (s *store) remove(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("oss: delete the object: %w", err)
	}
	delete(s.index, key)
	return syncDir(s.dir)
}

// list returns the metadata of all objects, in byte order of their keys.
func (s *store) list() []metadata {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]metadata, 0, len(s.index))
	for _, m := range s.index {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y metadata) int { return strings.Compare(x.Key, y.Key) })
	return all
}

// writePartial writes a whole object beside the others, synced, and returns its path.
func (s *store) writePartial(header, body []byte) (path string, err error) {
	file, err := os.CreateTemp(s.dir, "*"+partialSuffix)
	if err != nil {
		return "", fmt.Errorf("oss: %w", err)
	}
	for _, part := range [][]byte{header, []byte("\n"), body} {
		if err == nil {
			_, err = file.Write(part)
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("oss: write the object: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return file.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("oss: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("oss: sync the bucket directory: %w", err)
	}
	return nil
}
