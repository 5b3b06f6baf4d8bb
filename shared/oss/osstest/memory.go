package osstest

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"feedstream/shared/reference"
)

// Op names one of the port's operations to a fault hook.
type Op string

// The operations of the port.
const (
	OpGet    Op = "get"
	OpPut    Op = "put"
	OpList   Op = "list"
	OpDelete Op = "delete"
)

// Fault is what a hook makes of one call. The zero value leaves the call alone.
type Fault struct {
	// Wait, when set, holds the call back until it is closed or the call's context ends.
	Wait <-chan struct{}
	// Err, when set, is the call's answer.
	Err error
	// Applied carries the call out before it answers Err: a write that happened although it failed.
	Applied bool
	// Body, when set, is what a get answers in place of the stored bytes (truncated, corrupt, older); it gets a
	// copy. The ETag stays that of the stored object.
	Body func(stored []byte) []byte
}

// Memory is an object store in memory that keeps the port's contract, for tests of those who use the port.
// Safe for concurrent use.
type Memory struct {
	now func() time.Time

	mu      sync.Mutex
	objects map[string]stored
	fault   func(op Op, key string) Fault
	calls   map[Op]int
}

type stored struct {
	body     []byte
	etag     string
	modified time.Time
}

// NewMemory makes an empty store. The clock stamps LastModified; nil means time.Now.
func NewMemory(clock func() time.Time) *Memory {
	if clock == nil {
		clock = time.Now
	}
	return &Memory{now: clock, objects: map[string]stored{}, calls: map[Op]int{}}
}

// Fault asks hook about every later call, with the call's key (the prefix of a list). Nil removes the hook.
// The hook runs outside the store's lock, so it may call the store.
func (m *Memory) Fault(hook func(op Op, key string) Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = hook
}

// Calls counts the calls of one operation so far, failed ones included.
func (m *Memory) Calls(op Op) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[op]
}

// Get answers the object under key, reference.ErrNotFound, or reference.ErrNotModified when its ETag is ifNoneMatch.
func (m *Memory) Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error) {
	fault, err := m.begin(ctx, OpGet, key)
	if err != nil {
		return reference.Object{}, err
	}
	m.mu.Lock()
	object, found := m.objects[key]
	m.mu.Unlock()
	switch {
	case !found:
		return reference.Object{}, fmt.Errorf("get object %q: %w", key, reference.ErrNotFound)
	case ifNoneMatch != "" && ifNoneMatch == object.etag:
		return reference.Object{}, fmt.Errorf("get object %q: %w", key, reference.ErrNotModified)
	}
	body := bytes.Clone(object.body)
	if fault.Body != nil {
		body = fault.Body(body)
	}
	return reference.Object{Body: body, ETag: object.etag}, fault.Err
}

// Put stores a copy of body under key. Without overwrite a taken key answers reference.ErrExists and stays.
func (m *Memory) Put(ctx context.Context, key string, body []byte, overwrite bool) error {
	fault, err := m.begin(ctx, OpPut, key)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.objects[key]; taken && !overwrite {
		return fmt.Errorf("put object %q: %w", key, reference.ErrExists)
	}
	m.objects[key] = stored{
		body:     append([]byte{}, body...),
		etag:     fmt.Sprintf(`"%X"`, md5.Sum(body)),
		modified: m.now().UTC().Truncate(time.Second),
	}
	return fault.Err
}

// Delete removes the object under key; an absent one is no error.
func (m *Memory) Delete(ctx context.Context, key string) error {
	fault, err := m.begin(ctx, OpDelete, key)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return fault.Err
}

// List describes the objects whose keys start with prefix, in byte order of their keys.
func (m *Memory) List(ctx context.Context, prefix string) ([]reference.ObjectInfo, error) {
	fault, err := m.begin(ctx, OpList, prefix)
	if err != nil {
		return nil, err
	}
	if fault.Err != nil {
		return nil, fault.Err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var infos []reference.ObjectInfo
	for key, object := range m.objects {
		if strings.HasPrefix(key, prefix) {
			infos = append(infos, reference.ObjectInfo{
				Key: key, Size: int64(len(object.body)), LastModified: object.modified,
			})
		}
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Key < infos[j].Key })
	return infos, nil
}

// begin counts the call, asks the hook and answers the error with which the call ends before it does anything.
func (m *Memory) begin(ctx context.Context, op Op, key string) (Fault, error) {
	if op != OpList {
		if err := checkKey(key); err != nil {
			return Fault{}, fmt.Errorf("%s object %q: %w", op, key, err)
		}
	}
	m.mu.Lock()
	m.calls[op]++
	hook := m.fault
	m.mu.Unlock()

	var fault Fault
	if hook != nil {
		fault = hook(op, key)
	}
	if fault.Wait != nil {
		select {
		case <-fault.Wait:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return Fault{}, fmt.Errorf("%s object %q: %w", op, key, err)
	}
	if fault.Err != nil && !fault.Applied {
		return Fault{}, fault.Err
	}
	return fault, nil
}

// checkKey refuses what the real store refuses.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > 1023:
		return fmt.Errorf("the key has %d bytes, the store takes 1023", len(key))
	case !utf8.ValidString(key):
		return errors.New("the key is not UTF-8")
	case key[0] == '/' || key[0] == '\\':
		return errors.New("the key starts with a slash")
	}
	return nil
}
