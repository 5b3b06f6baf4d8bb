package oss

import (
	"crypto/md5"
	"encoding/base64"
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
	Key         string            `json:"key"`
	Size        int64             `json:"size"`
	ETag        string            `json:"etag"` // with the quotation marks of the header
	CRC64       uint64            `json:"crc64"`
	Modified    time.Time         `json:"modified"`
	ContentType string            `json:"contentType,omitempty"`
	User        map[string]string `json:"user,omitempty"` // x-oss-meta-*
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
			s.index[m.Key] = m
		}
	}
	return s, nil
}

// path maps a key to a file name that is safe whatever the key holds and never longer than file
// systems allow: OSS keys have at most 1,023 bytes, so a long one is named by its hash.
func (s *store) path(key string) string {
	name := base64.RawURLEncoding.EncodeToString([]byte(key))
	if len(name) > 200 {
		sum := md5.Sum([]byte(key))
		name = name[:160] + "~" + hex.EncodeToString(sum[:])
	}
	return filepath.Join(s.dir, name+objectSuffix)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.index[m.Key]; taken && forbid {
		return metadata{}, errExists
	}
	path := s.path(m.Key)
	if err := writeSynced(path+partialSuffix, append(append(header, '\n'), body...)); err != nil {
		return metadata{}, err
	}
	if err := os.Rename(path+partialSuffix, path); err != nil {
		return metadata{}, fmt.Errorf("oss: put the object in place: %w", err)
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

func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("oss: %w", err)
	}
	if _, err = file.Write(content); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("oss: write the object: %w", err)
	}
	return nil
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
