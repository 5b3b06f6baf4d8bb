// Package feed is the domain: a stock feed update as it arrives, the checks it must pass, the
// reference entry it is joined with, and the record that results.
//
// The package is pure. It imports the standard library only and never sees a context, a network, a
// file, or a clock: whoever needs the time passes it in.
//
// The way of one record through this package:
//
//	Delivery (key and value as the trigger handed them over)
//	  -> Delivery.Update  the first failing check is the Rejection, otherwise
//	  -> Update           sender, stock code, event time
//	  -> Join             left outer join with the Entry of its stock code
//	  -> Record           what is written to HBase and produced to the output topic
package feed

import (
	"fmt"
	"strconv"
	"strings"
)

// Origin names one record of the input topic for ever.
type Origin struct {
	Topic     string
	Partition int
	Offset    int64
}

// String returns "<topic>/<partition>/<offset>", the ce_id of every record made from this origin.
func (o Origin) String() string {
	return o.Topic + "/" + strconv.Itoa(o.Partition) + "/" + strconv.FormatInt(o.Offset, 10)
}

// ParseOrigin is the inverse of String. The name of a topic holds no '/'.
func ParseOrigin(id string) (o Origin, err error) {
	topic, rest, _ := strings.Cut(id, "/")
	partition, offset, whole := strings.Cut(rest, "/")
	if whole {
		if o.Partition, err = strconv.Atoi(partition); err == nil {
			o.Offset, err = strconv.ParseInt(offset, 10, 64)
		}
		o.Topic = topic
	}
	if !whole || err != nil || o.Topic == "" || o.Partition < 0 || o.Offset < 0 {
		return Origin{}, fmt.Errorf("origin %q is not <topic>/<partition>/<offset>", clip(id))
	}
	return o, nil
}

// Update is one valid feed update: a sender reports a stock at an event time.
type Update struct {
	Sender    string
	StockCode string
	Time      int64 // event time, epoch milliseconds
}

// RowKey returns "<sender>|<stock code>", the primary key of the Phoenix table. Neither part can
// contain '|', so the two are recoverable from it.
func (u Update) RowKey() string { return u.Sender + "|" + u.StockCode }

// Entry is what the reference knows of one stock.
type Entry struct {
	Name  string
	Price *Price // nil: the reference has no price
}

// Record is one update joined with the reference.
type Record struct {
	Update
	Origin  Origin
	Matched bool
	// StockName is empty, and written as null, exactly when the record is unmatched.
	StockName string
	// LastPrice is nil, and written as null, when the record is unmatched or the entry has no price.
	LastPrice *Price
	// ReferenceVersion names the snapshot that was asked, matched or not.
	ReferenceVersion string

	// Forms are those of StockName and LastPrice, where somebody has them; nil has them made where they are needed.
	Forms *Forms
}

// Forms are a stock's name and price in the forms that rows and messages have of them, as the snapshot of the
// reference keeps them ready.
type Forms struct {
	text                string // price, DECIMAL, name, and the name in JSON unless that is the name itself
	decimal, name, json uint32 // where they begin
}

// FormsOf returns the forms that lie one behind the other in a text: the price in plain notation, from decimal on
// what Price.AppendDecimal writes, both empty without a price, from name on the name, and from json on what
// AppendEscaped writes, empty when that is the name.
func FormsOf(text string, decimal, name, json int) Forms {
	return Forms{text, uint32(decimal), uint32(name), uint32(json)}
}

// Text is what all the forms lie in.
func (f *Forms) Text() string { return f.text }

// At returns the same forms in a copy of their text.
func (f *Forms) At(text string) Forms { return Forms{text, f.decimal, f.name, f.json} }

// Price is plain notation, as Price.Append writes it, empty without a price.
func (f *Forms) Price() string { return f.text[:f.decimal] }

// Decimal is what Price.AppendDecimal writes, empty without a price.
func (f *Forms) Decimal() string { return f.text[f.decimal:f.name] }

// Name is the name as it is.
func (f *Forms) Name() string { return f.text[f.name:f.json] }

// JSON is the name as the inside of a JSON string.
func (f *Forms) JSON() string {
	if int(f.json) == len(f.text) {
		return f.Name()
	}
	return f.text[f.json:]
}

// Join makes the record of an update. A nil entry means that the snapshot does not know the stock
// code: the record is unmatched, as in a left outer join.
func Join(u Update, o Origin, entry *Entry, referenceVersion string) (r Record) {
	r.Reset(&u, &o, referenceVersion)
	if entry != nil {
		r.Match(entry.Name, entry.Price, nil)
	}
	return r
}

// Reset makes r, whatever it was, the record of an update that is unmatched so far. It is the left side of Join.
func (r *Record) Reset(u *Update, o *Origin, referenceVersion string) {
	r.Update, r.Origin, r.ReferenceVersion = *u, *o, referenceVersion
	r.Matched, r.StockName, r.LastPrice, r.Forms = false, "", nil, nil
}

// Match adds what the snapshot knows of the stock: the right side of Join. The forms are those of name and price,
// nil where nobody has them.
func (r *Record) Match(name string, price *Price, forms *Forms) {
	r.Matched, r.StockName, r.LastPrice, r.Forms = true, name, price, forms
}

// Supersedes reports whether r, and not other, is the state of their common row: the higher event
// time wins, within one millisecond the later origin.
func (r *Record) Supersedes(other *Record) bool {
	if r.Time != other.Time {
		return r.Time > other.Time
	}
	if r.Origin.Partition != other.Origin.Partition {
		return r.Origin.Partition > other.Origin.Partition
	}
	return r.Origin.Offset > other.Origin.Offset
}

// FormatTime renders epoch milliseconds as RFC 3339 in UTC with three fraction digits.
func FormatTime(ms int64) string { return string(AppendTime(nil, ms)) }
