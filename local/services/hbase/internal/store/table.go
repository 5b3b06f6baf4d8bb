package store

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"

	"feedstream/local/services/hbase/internal/exception"
)

// Schema describes one HBase table.
type Schema struct {
	Name      string // as HBase shows it; a namespace other than default stands before a colon
	Families  []Family
	SplitKeys [][]byte // the first keys of all regions but the first, ascending
	Cells     []Seed   // rows the table has at least; a row that is in the data directory already is left as it is
}

// Family describes one column family.
type Family struct {
	Name     string
	Versions int // how many versions of a cell reads may ask for, 1 to 200; 0 means 1
}

// Seed is one value of a row that a table has at least.
type Seed struct {
	Row       []byte
	Family    string
	Qualifier string
	Timestamp int64 // epoch milliseconds
	Value     []byte
}

// MaxVersions is how many versions of a cell a column family may have at most.
const MaxVersions = 200

// superseded is how many puts of a column are kept beyond its versions. HBase keeps such cells until a compaction,
// and a read with a time range that ends before the newer ones shows them.
const superseded = 3

// Table is a table that exists: its description, its number in the store, and its regions in order.
type Table struct {
	Name     string
	ID       uint32
	Families []Family
	Regions  []*Region
}

// Region is one range of rows. Regions are immutable, so that a request may use one without a lock.
type Region struct {
	Start []byte // first row, empty for the first region
	End   []byte // first row of the next region, empty for the last
	ID    int64  // creation time in epoch milliseconds

	Table *Table `json:"-"`
	Name  string `json:"-"`
}

// DefaultNamespace is the namespace of a table that names none.
const DefaultNamespace = "default"

// legalName is HBase's rule for names of tables, with the namespace.
var legalName = regexp.MustCompile(`^([\pL\p{Nd}_]+:)?[\pL\p{Nd}_][\pL\p{Nd}_.-]*$`)

func (t *Schema) validate() error {
	if !legalName.MatchString(t.Name) {
		return exception.New(exception.IllegalArgument, "table name %q is not made of letters, digits and _ - . as HBase's "+
			"are, after a namespace of letters, digits and _ and a colon if any; it may not begin with - or .", t.Name)
	}
	if len(t.Families) == 0 {
		return exception.New(exception.DoNotRetryIO, "table %s has no column family; give it at least one", t.Name)
	}
	for i, f := range t.Families {
		if err := f.validate(t.Name); err != nil {
			return err
		}
		if slices.ContainsFunc(t.Families[:i], func(other Family) bool { return other.Name == f.Name }) {
			return exception.New(exception.IllegalArgument, "family %s stands twice in table %s", f.Name, t.Name)
		}
	}
	for i, key := range t.SplitKeys {
		if len(key) == 0 || i > 0 && bytes.Compare(t.SplitKeys[i-1], key) >= 0 {
			return exception.New(exception.IllegalArgument,
				"split key %x of table %s is empty or not above the one before it", key, t.Name)
		}
	}
	return nil
}

func (f Family) validate(table string) error {
	switch {
	case f.Name == "" || len(f.Name) > 127:
		return exception.New(exception.IllegalArgument,
			"family name %q of table %s is not 1 to 127 bytes long", f.Name, table)
	case f.Name[0] == '.' || strings.ContainsAny(f.Name, `:/\`) || strings.ContainsFunc(f.Name, unicode.IsControl):
		return exception.New(exception.IllegalArgument,
			"family name %q of table %s begins with a period, or has a colon, slash or control character", f.Name, table)
	case f.Versions < 0 || f.Versions > MaxVersions:
		return exception.Unsupported("VERSIONS %d of family %s of table %s; at most %d",
			f.Versions, f.Name, table, MaxVersions)
	}
	return nil
}

// newTable lays out a table whose regions are as old as created, epoch milliseconds.
func newTable(d Schema, id uint32, created int64) *Table {
	t := &Table{Name: d.Name, ID: id, Families: slices.Clone(d.Families)}
	for i := range t.Families {
		t.Families[i].Versions = max(t.Families[i].Versions, 1)
	}
	starts := append([][]byte{{}}, d.SplitKeys...)
	for i, start := range starts {
		r := &Region{Start: start, ID: created}
		if i+1 < len(starts) {
			r.End = starts[i+1]
		}
		t.Regions = append(t.Regions, r)
	}
	t.adopt()
	return t
}

// adopt ties the regions to their table and names them.
func (t *Table) adopt() {
	for _, r := range t.Regions {
		r.Table = t
		prefix := fmt.Sprintf("%s,%s,%d", t.Name, r.Start, r.ID)
		sum := md5.Sum([]byte(prefix))
		r.Name = prefix + "." + hex.EncodeToString(sum[:]) + "."
	}
}

// encodedName is the hash in a region's name, the form in which log lines and some calls give it.
func (r *Region) encodedName() string {
	return r.Name[len(r.Name)-1-2*md5.Size : len(r.Name)-1]
}

// Holds tells whether a row is in the region.
func (r *Region) Holds(row []byte) bool {
	return bytes.Compare(row, r.Start) >= 0 && (len(r.End) == 0 || bytes.Compare(row, r.End) < 0)
}

// RegionOf finds the region that holds a row.
func (t *Table) RegionOf(row []byte) *Region {
	i := sort.Search(len(t.Regions), func(i int) bool { return bytes.Compare(t.Regions[i].Start, row) > 0 })
	return t.Regions[i-1]
}

// Family finds a column family by name.
func (t *Table) Family(name []byte) (*Family, error) {
	for i := range t.Families {
		if t.Families[i].Name == string(name) {
			return &t.Families[i], nil
		}
	}
	return nil, exception.New(exception.NoSuchFamily, "column family %s does not exist in table %s", name, t.Name)
}

// keep is how many puts of a column the store holds on to.
func (t *Table) keep() byte {
	widest := slices.MaxFunc(t.Families, func(a, b Family) int { return cmp.Compare(a.Versions, b.Versions) })
	return byte(widest.Versions + superseded)
}

// Namespace splits a table name into the two parts of the wire.
func (t *Table) Namespace() (namespace, qualifier string) {
	if ns, q, ok := strings.Cut(t.Name, ":"); ok {
		return ns, q
	}
	return DefaultNamespace, t.Name
}
