package reference

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
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

func (e Entry) stock() *Stock { return &Stock{Name: e.Name, Price: json.Number(e.Price)} }

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
	for code, old := range before.All() {
		entry, stays := after.Find(code)
		switch {
		case !stays:
			found = append(found, Difference{Code: code, Change: Removed, Before: old.stock()})
		case old != entry:
			found = append(found, Difference{Code: code, Change: Changed, Before: old.stock(), After: entry.stock()})
		}
	}
	for code, entry := range after.All() {
		if _, known := before.Find(code); !known {
			found = append(found, Difference{Code: code, Change: Added, After: entry.stock()})
		}
	}
	slices.SortFunc(found, func(x, y Difference) int { return cmp.Compare(x.Code, y.Code) })
	return found
}
