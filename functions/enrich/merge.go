package main

import "hash/maphash"

// merger finds the records of the same row, without making strings of their keys. Its memory is used again.
type merger struct {
	slots  []slot // a power of two, at least twice as many as there are rows
	merged []int
}

// slot is one row: the upper half of its hash, and one more than its place among the rows; zero is free.
type slot struct{ hash, place uint32 }

var seed = maphash.MakeSeed()

func (v *verdict) hash() uint64 {
	const odd = 0x9e3779b97f4a7c15
	return maphash.String(seed, v.record.Sender)*odd + maphash.String(seed, v.record.StockCode)
}

func (v *verdict) sameRow(other *verdict) bool {
	return v.record.StockCode == other.record.StockCode && v.record.Sender == other.record.Sender
}

// newest keeps the records that are the state of their rows. Two mutations of one row in one multi have
// no defined order in HBase (HBASE-8626), so they are merged here. The numbers are valid until the next call.
func (m *merger) newest(verdicts []verdict, among []int) []int {
	m.reset(len(among))
	for _, i := range among {
		v := &verdicts[i]
		hash := v.hash()
		wanted := uint32(hash >> 32)
		at := int(hash) & (len(m.slots) - 1)
		for {
			s := &m.slots[at]
			if s.place == 0 {
				m.merged = append(m.merged, i)
				*s = slot{wanted, uint32(len(m.merged))}
				break
			}
			if s.hash == wanted && v.sameRow(&verdicts[m.merged[s.place-1]]) {
				if known := &m.merged[s.place-1]; v.record.Supersedes(&verdicts[*known].record) {
					*known = i
				}
				break
			}
			at = (at + 1) & (len(m.slots) - 1)
		}
	}
	return m.merged
}

func (m *merger) reset(rows int) {
	m.merged = m.merged[:0]
	size := 16
	for size < 2*rows {
		size *= 2
	}
	if size > cap(m.slots) {
		m.slots = make([]slot, size)
		return
	}
	m.slots = m.slots[:size]
	clear(m.slots)
}
