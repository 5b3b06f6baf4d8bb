package store

import "encoding/binary"

// Layout of keys. Numbers are big-endian, so pebble's order of keys is the order of numbers.
//
//	n                                   -> number of the newest collection
//	c <database> 00 <collection>        -> catalog entry (BSON)
//	d <collection number> <record>      -> document (BSON)
//	i <collection number> <index> <key> -> record
//
// Records of a collection count up, so a scan gives documents in the order of their insertion.
const (
	counterPrefix  = 'n'
	catalogPrefix  = 'c'
	documentPrefix = 'd'
	indexPrefix    = 'i'
)

func catalogKey(ns Namespace) []byte {
	return append(catalogBounds(ns.Database), ns.Collection...)
}

// catalogBounds is the beginning shared by the catalog keys of one database.
func catalogBounds(database string) []byte {
	return append(append([]byte{catalogPrefix}, database...), 0)
}

func collectionKey(prefix byte, collection uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefix}, collection)
}

func documentKey(collection uint32, record uint64) []byte {
	return binary.BigEndian.AppendUint64(collectionKey(documentPrefix, collection), record)
}

func indexBounds(collection, index uint32) []byte {
	return binary.BigEndian.AppendUint32(collectionKey(indexPrefix, collection), index)
}

func indexKey(collection, index uint32, key []byte) []byte {
	return append(indexBounds(collection, index), key...)
}

// after is the first key behind all keys that begin with prefix. No prefix here is all FF.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}
