package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/shared/reference"
)

const (
	loadBatch = 5000

	// abandoned is the age after which a half-made load is taken for a dead one's and removed.
	abandoned = time.Hour
)

// mostLost is the part of the documents that a load may lose unasked, as REFERENCE_MAX_SHRINK is that of a refresh.
const mostLost = 0.2

// ErrShrinks means that a load would lose far more documents than a day's changes do, or all of them.
var ErrShrinks = errors.New("the new reference is far smaller than the one that is there")

// LoadOptions say what a load may do besides.
type LoadOptions struct {
	AcceptShrink bool // replace the collection however few the documents are
}

// Load replaces the whole collection by the given documents. They are written beside it, under a unique index on
// symbol, and the new collection takes the old one's place in one step: a reader sees all of the old reference or all
// of the new one. When Load fails, the old one stands as before; the one doubt is an error of the last step itself,
// which may have been done although its answer was lost. No documents, or more than a fifth fewer than are there, are
// refused with ErrShrinks unless the options accept it.
//
// Values are stored by the types reference.Document lists; a reference.Number becomes a Decimal128, so that a price
// keeps the digits it was written with. Nil fields are left out. ID is not stored: MongoDB gives each document a new
// one.
func (s *Source) Load(ctx context.Context, documents []reference.Document, opts LoadOptions) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	collection, err := s.at(ctx)
	if err != nil {
		return s.failed("load", err)
	}
	if !opts.AcceptShrink {
		if err := refuseShrink(ctx, collection, len(documents)); err != nil {
			return s.failed("load", err)
		}
	}
	if err := removeAbandoned(ctx, collection); err != nil {
		return s.failed("clear old loads of", err)
	}
	beside := collection.Database().Collection(loadPrefix(collection) + bson.NewObjectID().Hex())
	err = fill(ctx, beside, documents)
	if err == nil {
		err = exchange(ctx, beside, collection)
	}
	if err != nil {
		discard(ctx, beside)
		return s.failed("load", err)
	}
	return nil
}

func refuseShrink(ctx context.Context, collection *mongo.Collection, documents int) error {
	there, err := collection.EstimatedDocumentCount(ctx)
	if err != nil {
		return fmt.Errorf("count what is there: %w", err)
	}
	if documents > 0 && float64(documents) >= (1-mostLost)*float64(there) {
		return nil
	}
	return fmt.Errorf("%w: %d documents would replace %d, and at most a fifth may go unasked; nothing was changed: "+
		"give all of them, or accept the loss", ErrShrinks, documents, there)
}

func loadPrefix(collection *mongo.Collection) string { return collection.Name() + ".load-" }

// fill writes the documents into a new collection.
func fill(ctx context.Context, beside *mongo.Collection, documents []reference.Document) error {
	index := mongo.IndexModel{
		Keys:    bson.D{{Key: fieldSymbol, Value: 1}},
		Options: options.Index().SetUnique(true),
	}
	if _, err := beside.Indexes().CreateOne(ctx, index); err != nil {
		return fmt.Errorf("create unique index on %s: %w", fieldSymbol, err)
	}
	for start := 0; start < len(documents); start += loadBatch {
		var batch []any
		for i, d := range documents[start:min(start+loadBatch, len(documents))] {
			stored, err := fields(d)
			if err != nil {
				return fmt.Errorf("document %d (symbol %v): %w", start+i+1, d.Symbol, err)
			}
			batch = append(batch, stored)
		}
		if _, err := beside.InsertMany(ctx, batch); err != nil {
			return fmt.Errorf("insert documents %d to %d: %w", start+1, start+len(batch), err)
		}
	}
	return nil
}

// exchange gives the new collection the reference's name in one step.
func exchange(ctx context.Context, beside, collection *mongo.Collection) error {
	database := collection.Database().Name()
	rename := bson.D{
		{Key: "renameCollection", Value: database + "." + beside.Name()},
		{Key: "to", Value: database + "." + collection.Name()},
		{Key: "dropTarget", Value: true},
	}
	if err := collection.Database().Client().Database("admin").RunCommand(ctx, rename).Err(); err != nil {
		return fmt.Errorf("put the new collection in place: %w", err)
	}
	return nil
}

// discard removes what a failed load has written. If that fails too, a later load does it.
func discard(ctx context.Context, beside *mongo.Collection) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = beside.Drop(ctx)
}

// removeAbandoned drops what loads left behind that died on the way. The object id in the name tells their age.
func removeAbandoned(ctx context.Context, collection *mongo.Collection) error {
	names, err := collection.Database().ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		hex, ours := strings.CutPrefix(name, loadPrefix(collection))
		id, err := bson.ObjectIDFromHex(hex)
		if !ours || err != nil || time.Since(id.Timestamp()) < abandoned {
			continue
		}
		if err := collection.Database().Collection(name).Drop(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fields is the document to store.
func fields(d reference.Document) (bson.D, error) {
	stored := bson.D{}
	for _, f := range []struct {
		name  string
		value any
	}{
		{fieldSymbol, d.Symbol}, {fieldCompanyName, d.CompanyName},
		{fieldLastPrice, d.LastPrice}, {fieldVolume, d.Volume},
	} {
		v := f.value
		if number, ok := v.(reference.Number); ok {
			decimal, err := bson.ParseDecimal128(string(number))
			if err != nil {
				return nil, fmt.Errorf("%s %q is no decimal: %w", f.name, string(number), err)
			}
			v = decimal
		}
		if v != nil {
			stored = append(stored, bson.E{Key: f.name, Value: v})
		}
	}
	return stored, nil
}
