package mongodb

import (
	"bytes"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

// firstBatch is how many documents a find answers with at once when it is not told.
const firstBatch = 101

var findOptions = map[string]option{
	"filter": used, "projection": used, "sort": used, "skip": used, "limit": used, "batchSize": used, "singleBatch": used,
	"hint": ignored, "allowDiskUse": ignored, "allowPartialResults": ignored, "oplogReplay": off, "tailable": off,
	"awaitData": off, "noCursorTimeout": off, "collation": off, "let": off, "min": off, "max": off, "returnKey": off,
	"showRecordId": off,
}

// search is a compiled find.
type search struct {
	filter      *query.Filter
	projection  *query.Projection
	sort        query.Sort
	skip, limit int64 // limit 0 is none
}

func (r *request) search() (q search, err error) {
	documents := map[string]bsoncore.Document{}
	for _, name := range []string{"filter", "projection", "sort"} {
		if documents[name], err = r.document(name); err != nil {
			return q, err
		}
	}
	if q.filter, err = query.CompileFilter(documents["filter"]); err != nil {
		return q, err
	}
	if q.projection, err = query.CompileProjection(documents["projection"]); err != nil {
		return q, err
	}
	if q.sort, err = query.CompileSort(documents["sort"]); err != nil {
		return q, err
	}
	if q.skip, err = r.number("skip", 0); err != nil {
		return q, err
	}
	q.limit, err = r.number("limit", 0)
	return q, err
}

func (s *Server) find(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	q, err := r.search()
	if err != nil {
		return nil, err
	}
	size, err := r.number("batchSize", firstBatch)
	if err != nil {
		return nil, err
	}
	found, err := s.open(ns, q)
	if err != nil {
		return nil, err
	}
	c := &openCursor{namespace: ns, results: found}
	batch, err := c.batch(size)
	if err != nil {
		c.close()
		return nil, err
	}
	if r.flag("singleBatch", false) {
		c.close()
	}
	id, err := s.cursors.add(c)
	if err != nil {
		return nil, err
	}
	return cursorReply(id, ns, "firstBatch", batch), nil
}

// open starts a search. A collection that does not exist is an empty one.
func (s *Server) open(ns store.Namespace, q search) (results, error) {
	w, err := s.walk(ns, q.filter)
	if err != nil {
		return nil, err
	}
	if len(q.sort) > 0 {
		defer w.Close()
		return s.sorted(w, q)
	}
	limit := q.limit
	if limit == 0 {
		limit = math.MaxInt64
	}
	return &streamed{walk: w, search: q, skip: q.skip, left: limit}, nil
}

// walk goes through a collection's candidates in the state of this moment.
func (s *Server) walk(ns store.Namespace, filter *query.Filter) (w walk, err error) {
	err = s.store.Read(func(view store.View) error {
		c, exists, err := view.Collection(ns)
		if err != nil || !exists {
			w = &single{}
			return err
		}
		w, err = candidates(view, c, filter)
		return err
	})
	return w, err
}

// sorted collects and orders all matches. What it keeps is bounded, for each search and for all open cursors together.
func (s *Server) sorted(w walk, q search) (results, error) {
	var all []bsoncore.Document
	size := int64(0)
	for w.Next() {
		if !q.filter.Match(w.Document()) {
			continue
		}
		if size += int64(len(w.Document())); size > sortMemory {
			return nil, failure.New(failure.QueryExceededMemory,
				"sort exceeded the memory limit of %d bytes, and the embedded MongoDB does not sort on disk", sortMemory)
		}
		all = append(all, bytes.Clone(w.Document()))
	}
	if err := w.Err(); err != nil {
		return nil, err
	}
	q.sort.Apply(all)
	all = all[min(q.skip, int64(len(all))):]
	if q.limit > 0 {
		all = all[:min(q.limit, int64(len(all)))]
	}
	size = 0
	for i, document := range all {
		all[i] = q.projection.Apply(document)
		size += int64(len(all[i]))
	}
	return s.cursors.keep(all, size)
}

var countOptions = map[string]option{
	"query": used, "limit": used, "skip": used, "hint": ignored, "collation": off, "fields": ignored,
}

func (s *Server) count(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	filter, err := r.document("query")
	if err != nil {
		return nil, err
	}
	q := search{}
	if q.filter, err = query.CompileFilter(filter); err != nil {
		return nil, err
	}
	if q.skip, err = r.number("skip", 0); err != nil {
		return nil, err
	}
	if q.limit, err = r.number("limit", 0); err != nil {
		return nil, err
	}
	n, err := s.countMatches(ns, q)
	return bson.D{{Key: "n", Value: int32(n)}}, err
}

// countMatches counts what the search would find.
func (s *Server) countMatches(ns store.Namespace, q search) (int64, error) {
	w, err := s.walk(ns, q.filter)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	n := int64(0)
	for (q.limit == 0 || n < q.skip+q.limit) && w.Next() {
		if q.filter.Match(w.Document()) {
			n++
		}
	}
	return max(n-q.skip, 0), w.Err()
}
