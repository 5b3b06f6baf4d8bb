package reference

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"feedstream/shared/feed"
)

// Difference is one stock that two snapshots do not hold alike.
type Difference struct {
	Code   string `json:"code"`
	Change string `json:"change"` // Added, Removed or Changed
	Before *Stock `json:"before,omitempty"`
	After  *Stock `json:"after,omitempty"`
}

// Stock is an entry as it is shown to people and programs.
type Stock struct {
	Name  string      `json:"name"`
	Price json.Number `json:"price,omitempty"` // as everywhere: plain, without needless zeros
}

func stock(e feed.Entry) *Stock {
	s := &Stock{Name: e.Name}
	if e.Price != nil {
		s.Price = json.Number(e.Price.String())
	}
	return s
}

// What may have become of a stock between two snapshots.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Diff compares two versions in the store.
func (a *Announcer) Diff(ctx context.Context, before, after string) ([]Difference, error) {
	old, err := a.Open(ctx, before)
	if err != nil {
		return nil, err
	}
	next, err := a.Open(ctx, after)
	if err != nil {
		return nil, err
	}
	return Diff(old, next), nil
}

// Diff compares two snapshots; the differences are in the order of their codes.
func Diff(before, after *Snapshot) []Difference {
	found := []Difference{}
	for code, old := range before.entries {
		entry, stays := after.entries[code]
		switch {
		case !stays:
			found = append(found, Difference{Code: code, Change: Removed, Before: stock(old)})
		case *stock(old) != *stock(entry):
			found = append(found, Difference{Code: code, Change: Changed, Before: stock(old), After: stock(entry)})
		}
	}
	for code, entry := range after.entries {
		if _, known := before.entries[code]; !known {
			found = append(found, Difference{Code: code, Change: Added, After: stock(entry)})
		}
	}
	slices.SortFunc(found, func(x, y Difference) int { return cmp.Compare(x.Code, y.Code) })
	return found
}
