package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/shared/reference"
)

const batchSize = 5000

// The reference's fields in the collection.
const (
	fieldSymbol      = "symbol"
	fieldCompanyName = "CompanyName"
	fieldLastPrice   = "LastPrice"
	fieldVolume      = "Volume"
)

var projection = bson.D{
	{Key: fieldSymbol, Value: 1}, {Key: fieldCompanyName, Value: 1},
	{Key: fieldLastPrice, Value: 1}, {Key: fieldVolume, Value: 1},
}

// Read hands every document of the collection to yield, in the order the server gives them. It ends early with
// yield's error, returned as it is. An error in the middle means that the documents seen so far are not the whole
// reference: begin again. A collection that does not exist has no documents.
func (s *Source) Read(ctx context.Context, yield func(reference.Document) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	collection, err := s.open(ctx)
	if err != nil {
		return s.failed("read", err)
	}
	cursor, err := collection.Find(ctx, bson.D{}, options.Find().SetProjection(projection).SetBatchSize(batchSize))
	if err != nil {
		return s.failed("read", err)
	}
	defer cursor.Close(ctx)
	for cursor.Next(ctx) {
		if err := yield(document(cursor.Current)); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return s.failed("read", err)
	}
	return nil
}

// document converts one document. A field that stands in it twice counts with its first value, as for MongoDB itself.
func document(raw bson.Raw) reference.Document {
	return reference.Document{
		ID:          printable(raw.Lookup("_id")),
		Symbol:      value(raw.Lookup(fieldSymbol)),
		CompanyName: value(raw.Lookup(fieldCompanyName)),
		LastPrice:   value(raw.Lookup(fieldLastPrice)),
		Volume:      value(raw.Lookup(fieldVolume)),
	}
}

// value is a field's value in the forms reference.Document promises.
func value(v bson.RawValue) any {
	switch v.Type {
	case 0, bson.TypeNull, bson.TypeUndefined:
		return nil
	case bson.TypeString:
		return v.StringValue()
	case bson.TypeDouble:
		return v.Double()
	case bson.TypeInt32:
		return v.Int32()
	case bson.TypeInt64:
		return v.Int64()
	case bson.TypeDecimal128:
		return reference.Number(v.Decimal128().String())
	}
	var other any
	if err := v.Unmarshal(&other); err != nil {
		return v
	}
	return other
}

// printable is an _id for reports: the bare text of strings and object ids, the extended JSON of anything else.
func printable(v bson.RawValue) string {
	switch v.Type {
	case 0:
		return ""
	case bson.TypeString:
		return v.StringValue()
	case bson.TypeObjectID:
		return v.ObjectID().Hex()
	}
	return v.String()
}
