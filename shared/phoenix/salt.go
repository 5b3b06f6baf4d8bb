package phoenix

// MaxSaltBuckets is the largest number of buckets Phoenix allows: the salt is one byte.
const MaxSaltBuckets = 256

// Salt returns the salt byte of a row key, which is given without its salt. The hash is that of
// java.util.Arrays.hashCode(byte[]): bytes count as signed, which matters for every key beyond ASCII.
func Salt(key []byte, buckets int) byte {
	hash := int32(1)
	for _, b := range key {
		hash = 31*hash + int32(int8(b))
	}
	// The remainder has the sign of the hash. Taking it in 64 bits leaves no corner at the minimum.
	bucket := int64(hash) % int64(buckets)
	if bucket < 0 {
		bucket = -bucket
	}
	return byte(bucket)
}
