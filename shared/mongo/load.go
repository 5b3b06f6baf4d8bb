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

	// maxShrink is the fraction of the documents that a load may lose: what a refresh allows unless it is told
	// otherwise (REFERENCE_MAX_SHRINK).
	maxShrink = 0.2

	// abandoned is the age after which a half-made load is taken for a dead one's and removed.
	abandoned = time.Hour
)

// LoadOptions say what a load may do.
type LoadOptions struct {
	AcceptShrink bool // replace a collection by one of far fewer documents
}

// ShrinkError refuses a load of far fewer documents than the collection holds, which stays as it is.
type ShrinkError struct{ There, Documents int }

// Error says how many documents there are and how many there would be.
func (e *ShrinkError) Error() string {
	return fmt.Sprintf("the collection holds %d documents and would hold %d, a loss of more than a fifth: "+
		"it stays as it is unless the loss is accepted", e.There, e.Documents)
}

// loadedInTime is for how many documents a Load has the configured time once more: a large file takes longer, and that is
// no fault of the server's.
const loadedInTime = 100_000

// Load replaces the whole collection by the given documents. They are written beside it, under a unique index on
// symbol, and the new collection takes the old one's place in one step: a reader sees all of the old reference or all
// of the new one. When Load fails, the old one stands as before; the one doubt is an error of the last step itself,
// which may have been done although its answer was lost.
//
// No documents at all are refused, and far fewer than the collection holds unless the options accept it: what was lost
// on the way to a file would be lost here too.
//
// Values are stored by the types reference.Document lists; a reference.Number becomes a Decimal128, so that a price
// keeps the digits it was written with. Nil fields are left out. ID is not stored: MongoDB gives each document a new
// one.
func (s *Source) Load(ctx context.Context, documents []reference.Document, options LoadOptions) error {
	if len(documents) == 0 {
		return s.failed("load", errors.New("there are no documents to load: the collection stays as it is"))
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout*time.Duration(1+len(documents)/loadedInTime))
	defer cancel()
	collection, err := s.open(ctx)
	if err == nil && !options.AcceptShrink {
		err = checkShrink(ctx, collection, len(documents))
	}
	if err == nil {
		err = replace(ctx, collection, documents)
	}
	if err != nil {
		return s.failed("load", err)
	}
	return nil
}

// checkShrink refuses a load that loses more than maxShrink of the documents.
func checkShrink(ctx context.Context, current *mongo.Collection, documents int) error {
	there, err := current.CountDocuments(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("count the documents there: %w", err)
	}
	if lost := there - int64(documents); float64(lost) > maxShrink*float64(there) {
		return &ShrinkError{There: int(there), Documents: documents}
	}
	return nil
}

// replace fills a collection beside the current one and lets it take that one's place.
func replace(ctx context.Context, current *mongo.Collection, documents []reference.Document) error {
	if err := removeAbandoned(ctx, current); err != nil {
		return fmt.Errorf("clear old loads: %w", err)
	}
	beside := current.Database().Collection(loadPrefix(current) + bson.NewObjectID().Hex())
	err := fill(ctx, beside, documents)
	if err == nil {
		err = exchange(ctx, beside, current)
	}
	if err != nil {
		discard(ctx, beside)
	}
	return err
}

func loadPrefix(current *mongo.Collection) string { return current.Name() + ".load-" }

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
func exchange(ctx context.Context, beside, current *mongo.Collection) error {
	database := current.Database()
	rename := bson.D{
		{Key: "renameCollection", Value: database.Name() + "." + beside.Name()},
		{Key: "to", Value: database.Name() + "." + current.Name()},
		{Key: "dropTarget", Value: true},
	}
	if err := database.Client().Database("admin").RunCommand(ctx, rename).Err(); err != nil {
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
func removeAbandoned(ctx context.Context, current *mongo.Collection) error {
	names, err := current.Database().ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		hex, ours := strings.CutPrefix(name, loadPrefix(current))
		id, err := bson.ObjectIDFromHex(hex)
		if !ours || err != nil || time.Since(id.Timestamp()) < abandoned {
			continue
		}
		if err := current.Database().Collection(name).Drop(ctx); err != nil {
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
