package oss

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"math"
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
	errDigest = errors.New("the body has another MD5")
	errBody   = errors.New("the body did not come whole")

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
			opened, err := openFile(path)
			if err != nil {
				return nil, err
			}
			m := opened.metadata
			if err := opened.Close(); err != nil {
				return nil, fmt.Errorf("oss: %w", err)
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

// object is a stored object that is open for reading. Whatever is put or deleted meanwhile, it stays as it is.
type object struct {
	metadata
	*os.File
	at int64 // where the body begins
}

// body is a part of the object's body.
func (o *object) body(p span) io.Reader { return io.NewSectionReader(o.File, o.at+p.from, p.to-p.from) }

// maxHeader bounds the line before a body: metadata of 8 KB, names, and what JSON makes of both.
const maxHeader = 1 << 20

// openFile opens a file of an object. The body is not read, only its length compared.
func openFile(path string) (*object, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("oss: %w", err)
	}
	o := &object{File: file}
	header, err := bufio.NewReader(io.LimitReader(file, maxHeader)).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(header, &o.metadata)
	}
	o.at = int64(len(header))
	if info, statErr := file.Stat(); err != nil || statErr != nil || info.Size() != o.at+o.Size {
		return nil, errors.Join(fmt.Errorf("oss: the file %s is damaged: remove it to go on without that object", path), file.Close())
	}
	return o, nil
}

// get opens an object; the caller closes it.
func (s *store) get(key string) (*object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ok := s.index[key]; !ok {
		return nil, errAbsent
	}
	return openFile(s.path(key))
}

// put stores an object durably, without ever holding its body. With a sum, the MD5 in base64, it returns errDigest when
// the body has another; with forbid errExists when the key is taken.
func (s *store) put(m metadata, body io.Reader, sum string, forbid bool) (metadata, error) {
	partial, err := os.CreateTemp(s.dir, "*"+partialSuffix)
	if err != nil {
		return metadata{}, fmt.Errorf("oss: %w", err)
	}
	m, err = writeObject(partial, m, body, sum)
	if err = errors.Join(err, partial.Close()); err != nil {
		return metadata{}, errors.Join(err, os.Remove(partial.Name()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.index[m.Key]; taken && forbid {
		return metadata{}, errors.Join(errExists, os.Remove(partial.Name()))
	}
	if err := os.Rename(partial.Name(), s.path(m.Key)); err != nil {
		return metadata{}, fmt.Errorf("oss: put the object in place: %w", errors.Join(err, os.Remove(partial.Name())))
	}
	if err := syncDir(s.dir); err != nil {
		return metadata{}, err
	}
	s.index[m.Key] = m
	return m, nil
}

// writeObject writes a whole object, synced. What its body amounts to is known at the end and stands at the beginning,
// so that room is left for the longest there can be.
func writeObject(to *os.File, m metadata, body io.Reader, wantSum string) (metadata, error) {
	m.Size, m.CRC64, m.ETag = math.MaxInt64, math.MaxUint64, strconv.Quote(strings.Repeat("F", 2*md5.Size))
	room, err := json.Marshal(m)
	if err != nil {
		return metadata{}, fmt.Errorf("oss: encode the metadata: %w", err)
	}
	if _, err := to.Write(append(room, '\n')); err != nil {
		return metadata{}, fmt.Errorf("oss: write the object: %w", err)
	}
	sum, crc := md5.New(), crc64.New(crcTable)
	source := &source{from: body}
	if m.Size, err = io.Copy(io.MultiWriter(to, sum, crc), source); source.err != nil {
		return metadata{}, fmt.Errorf("%w: %w", errBody, source.err)
	} else if err != nil {
		return metadata{}, fmt.Errorf("oss: write the object: %w", err)
	}
	digest := sum.Sum(nil)
	if wantSum != "" && base64.StdEncoding.EncodeToString(digest) != wantSum {
		return metadata{}, errDigest
	}
	m.CRC64, m.ETag = crc.Sum64(), strconv.Quote(strings.ToUpper(hex.EncodeToString(digest)))
	header, err := json.Marshal(m)
	if err != nil {
		return metadata{}, fmt.Errorf("oss: encode the metadata: %w", err)
	}
	header = append(header, bytes.Repeat([]byte(" "), len(room)-len(header))...)
	if _, err := to.WriteAt(header, 0); err != nil {
		return metadata{}, fmt.Errorf("oss: write the object: %w", err)
	}
	return m, to.Sync()
}

// source is a body that remembers why it ended, so that a client's fault is told from the disk's.
type source struct {
	from io.Reader
	err  error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
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
