package mongodb

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

const (
	cursorIdle = 10 * time.Minute // an unused cursor lives so long
	maxCursors = 500
	maxBatch   = 16 << 20 // bytes of documents in one reply
	sortMemory = 64 << 20 // bytes of documents one sort may hold
	keptMemory = 4 * sortMemory
)

// results yields the documents of a search one by one.
type results interface {
	next() (bsoncore.Document, error) // nil at the end; good until the next call
	close()
}

// streamed reads results from the store as they are asked for.
type streamed struct {
	walk
	search
	skip, left int64
}

func (s *streamed) next() (bsoncore.Document, error) {
	for s.left > 0 && s.walk.Next() {
		document := s.walk.Document()
		if !s.filter.Match(document) {
			continue
		}
		if s.skip > 0 {
			s.skip--
			continue
		}
		s.left--
		return s.projection.Apply(document), nil
	}
	return nil, s.walk.Err()
}

func (s *streamed) close() { s.walk.Close() }

// listed holds results that had to be computed at once.
type listed struct {
	documents []bsoncore.Document
	release   func()
}

func (l *listed) next() (bsoncore.Document, error) {
	if len(l.documents) == 0 {
		return nil, nil
	}
	first := l.documents[0]
	l.documents = l.documents[1:]
	return first, nil
}

func (l *listed) close() {
	if l.release != nil {
		l.release()
	}
}

// openCursor is a search in the middle of being read, by one command at a time.
type openCursor struct {
	namespace store.Namespace
	results   results
	pending   bsoncore.Document // read, but did not fit the last batch
	done      bool
	touched   time.Time
}

// batch reads up to size documents, as many as fit a reply; at the end it closes the cursor.
func (c *openCursor) batch(size int64) (bson.RawValue, error) {
	start, array := bsoncore.AppendArrayStart(nil)
	for n := int64(0); ; n++ {
		if c.pending == nil {
			document, err := c.results.next()
			if err != nil {
				return bson.RawValue{}, err
			}
			c.pending = bytes.Clone(document)
		}
		if c.pending == nil {
			c.close()
			break
		}
		if n == size || n > 0 && len(array)+len(c.pending) > maxBatch {
			break
		}
		array = bsoncore.AppendDocumentElement(array, strconv.FormatInt(n, 10), c.pending)
		c.pending = nil
	}
	array, err := bsoncore.AppendArrayEnd(array, start)
	return bson.RawValue{Type: bson.TypeArray, Value: array}, err
}

func (c *openCursor) close() {
	if !c.done {
		c.done = true
		c.results.close()
	}
}

// cursors are the open cursors by id. A cursor that a command is reading is not among them.
type cursors struct {
	mu   sync.Mutex
	byID map[int64]*openCursor
	kept int64 // bytes held by sorted results
}

func newCursors() *cursors { return &cursors{byID: map[int64]*openCursor{}} }

// keep accounts for results that stay in memory until their cursor is closed.
func (cs *cursors) keep(documents []bsoncore.Document, size int64) (results, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.kept+size > keptMemory {
		return nil, failure.New(failure.ExceededMemoryLimit,
			"embedded MongoDB: open cursors hold %d bytes of sorted documents; close some", cs.kept)
	}
	cs.kept += size
	return &listed{documents: documents, release: func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		cs.kept -= size
	}}, nil
}

// add files a cursor under a new id; 0 when it is at its end.
func (cs *cursors) add(c *openCursor) (int64, error) {
	if c.done {
		return 0, nil
	}
	cs.expire()
	id := rand.Int64N(math.MaxInt64-1) + 1
	if !cs.put(id, c) {
		c.close()
		return 0, failure.New(failure.ExceededMemoryLimit, "embedded MongoDB: %d cursors are open; close some", maxCursors)
	}
	return id, nil
}

func (cs *cursors) put(id int64, c *openCursor) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.byID) >= maxCursors {
		return false
	}
	c.touched = time.Now()
	cs.byID[id] = c
	return true
}

// take removes and returns a cursor; nil when there is none.
func (cs *cursors) take(id int64) *openCursor {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.byID[id]
	delete(cs.byID, id)
	return c
}

// expire closes the cursors nobody has used for long.
func (cs *cursors) expire() {
	cs.mu.Lock()
	var idle []*openCursor
	for id, c := range cs.byID {
		if time.Since(c.touched) > cursorIdle {
			idle = append(idle, c)
			delete(cs.byID, id)
		}
	}
	cs.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

func (cs *cursors) closeAll() {
	cs.mu.Lock()
	all := cs.byID
	cs.byID = map[int64]*openCursor{}
	cs.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}

func cursorReply(id int64, ns fmt.Stringer, field string, batch any) bson.D {
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: field, Value: batch},
		{Key: "id", Value: id},
		{Key: "ns", Value: ns.String()},
	}}}
}

func cursorNotFound(id int64) error {
	return failure.New(failure.CursorNotFound, "cursor id %d not found", id)
}

func (s *Server) getMore(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	id, ok := r.argument.Int64OK()
	if !ok {
		return nil, failure.New(failure.TypeMismatch, "getMore: the cursor id must be a long, not %s", r.argument)
	}
	size, err := r.number("batchSize", 0)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = math.MaxInt64
	}
	s.cursors.expire()
	c := s.cursors.take(id)
	if c == nil {
		return nil, cursorNotFound(id)
	}
	if c.namespace != ns {
		s.cursors.put(id, c)
		return nil, failure.New(failure.Unauthorized, "Requested getMore on namespace '%s', but cursor belongs to '%s'",
			ns, c.namespace)
	}
	batch, err := c.batch(size)
	if err != nil {
		c.close()
		return nil, err
	}
	if c.done || !s.cursors.put(id, c) {
		c.close()
		id = 0
	}
	return cursorReply(id, ns, "nextBatch", batch), nil
}

func (s *Server) killCursors(r *request) (bson.D, error) {
	killed, unknown := bson.A{}, bson.A{}
	err := query.Elements(r.option("cursors").Data, func(_ string, v bsoncore.Value) error {
		id, ok := v.Int64OK()
		if !ok {
			return failure.New(failure.TypeMismatch, "killCursors: a cursor id must be a long, not %s", v)
		}
		c := s.cursors.take(id)
		if c == nil {
			unknown = append(unknown, id)
			return nil
		}
		c.close()
		killed = append(killed, id)
		return nil
	})
	return bson.D{
		{Key: "cursorsKilled", Value: killed}, {Key: "cursorsNotFound", Value: unknown},
		{Key: "cursorsAlive", Value: bson.A{}}, {Key: "cursorsUnknown", Value: bson.A{}},
	}, err
}
