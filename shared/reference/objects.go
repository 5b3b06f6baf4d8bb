package reference

import (
	"context"
	"errors"
	"time"
)

// What an object store answers besides success. Adapters wrap these, so test with errors.Is.
var (
	// ErrNotModified: the object still has the ETag that the reader already holds; no body was sent.
	ErrNotModified = errors.New("object not modified")
	// ErrNotFound: there is no object under that key.
	ErrNotFound = errors.New("object not found")
	// ErrExists: the put forbade overwriting and the key is taken; the stored object is untouched.
	ErrExists = errors.New("object already exists")
	// ErrCorrupt: the body that arrived is not the one that the store says it holds. It may have been
	// damaged on its way, or lie damaged in the store.
	ErrCorrupt = errors.New("the body is corrupt")
)

// Object is one stored object as it was read, whole.
type Object struct {
	Body []byte
	// ETag names this content to a later conditional read. Opaque: compare it only as the store does.
	ETag string
}

// ObjectInfo describes one object in a listing.
type ObjectInfo struct {
	Key string
	// Size is the length of the body in bytes.
	Size         int64
	LastModified time.Time
}

// reader reads one object. With ifNoneMatch it returns ErrNotModified while the object still has
// that ETag; an absent object is ErrNotFound.
type reader interface {
	Get(ctx context.Context, key, ifNoneMatch string) (Object, error)
}

// writer stores one object. A Put that returns nil is durable; without overwrite it returns ErrExists
// and leaves an existing object as it is.
type writer interface {
	Put(ctx context.Context, key string, body []byte, overwrite bool) error
}

// housekeeping lists and deletes objects.
type housekeeping interface {
	List(ctx context.Context, prefix string) ([]ObjectInfo, error)
	Delete(ctx context.Context, key string) error
}

// store is what an announcement needs of an object store.
type store interface {
	reader
	writer
	housekeeping
}
