package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// Projection is a compiled projection.
type Projection struct {
	include bool
	fields  node
	all     bool
}

// node is a tree of path parts; a leaf is nil.
type node map[string]node

// CompileProjection compiles a projection of fields with 1 or 0 (or true or false). Expressions, $slice, $elemMatch,
// $meta and literals are refused by name. An empty projection keeps documents as they are.
func CompileProjection(spec bsoncore.Document) (*Projection, error) {
	p := &Projection{fields: node{}, all: true}
	idWanted, idNamed, decided := true, false, false
	err := Elements(spec, func(path string, v bsoncore.Value) error {
		if v.Type != bsoncore.TypeBoolean && !isNumber(v.Type) {
			return failure.Unsupported("the projection of %q to anything but 0 or 1", path)
		}
		if err := checkPath(path); err != nil {
			return err
		}
		p.all = false
		include := truthy(v)
		if path == "_id" {
			idWanted, idNamed = include, true
			return nil
		}
		if decided && include != p.include {
			code := map[bool]failure.Code{true: 31253, false: 31254}[include]
			return failure.New(code, "Cannot do %s on field %s in %s projection",
				kind(include), path, kind(p.include))
		}
		p.include, decided = include, true
		return p.fields.add(path)
	})
	if err != nil {
		return nil, err
	}
	if !decided {
		p.include = idNamed && idWanted
	}
	if idWanted == p.include {
		p.fields["_id"] = nil
	}
	return p, nil
}

func kind(include bool) string {
	if include {
		return "inclusion"
	}
	return "exclusion"
}

func (n node) add(path string) error {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		child, seen := n[part]
		if seen && (child == nil || i == len(parts)-1) {
			return failure.New(31250, "Path collision at %s", path)
		}
		if i == len(parts)-1 {
			n[part] = nil
			return nil
		}
		if !seen {
			child = node{}
			n[part] = child
		}
		n = child
	}
	return nil
}

// Apply gives the projected document. Fields stay in the document's order. The result may be the document itself.
func (p *Projection) Apply(document bsoncore.Document) bsoncore.Document {
	if p.all {
		return document
	}
	return p.document(make([]byte, 0, len(document)), document, p.fields)
}

func (p *Projection) document(dst, document []byte, fields node) []byte {
	start, dst := bsoncore.AppendDocumentStart(dst)
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			break
		}
		child, named := fields[string(e.key)]
		switch {
		case named && child != nil:
			dst = p.nested(dst, e, child)
		case named == p.include:
			dst = append(dst, e.raw...)
		}
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst
}

// nested projects below a field: documents, and documents in arrays of any depth. Other values have nothing to
// include and nothing to exclude.
func (p *Projection) nested(dst []byte, e element, fields node) []byte {
	header := e.raw[:len(e.raw)-len(e.value.Data)]
	switch e.value.Type {
	case bsoncore.TypeEmbeddedDocument:
		return p.document(append(dst, header...), e.value.Data, fields)
	case bsoncore.TypeArray:
		return p.array(append(dst, header...), e.value.Data, fields)
	}
	if p.include {
		return dst
	}
	return append(dst, e.raw...)
}

func (p *Projection) array(dst, array []byte, fields node) []byte {
	values := bsoncore.NewArrayBuilder()
	for c := elements(array); ; {
		e, ok := c.next()
		if !ok {
			return append(dst, values.Build()...)
		}
		switch {
		case e.value.Type == bsoncore.TypeEmbeddedDocument:
			e.value.Data = p.document(nil, e.value.Data, fields)
		case e.value.Type == bsoncore.TypeArray:
			e.value.Data = p.array(nil, e.value.Data, fields)
		case p.include:
			continue
		}
		values.AppendValue(e.value)
	}
}
