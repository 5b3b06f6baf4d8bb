package phoenix

// MaxSaltBuckets is the largest number of buckets Phoenix allows: the salt is one byte.
const MaxSaltBuckets = 256

// Salt returns the salt byte of a row key, which is given without its salt. The hash is that of
// java.util.Arrays.hashCode(byte[]): bytes count as signed, which matters for every key beyond ASCII.
func Salt(key []byte, buckets int) byte { return bucket(hash(hashSeed, key), buckets) }

const (
	hashSeed   = int32(1)
	hashFactor = 31
)

// hash goes on with a hash by the bytes of a text. Four at a time wait for each other less.
func hash[T string | []byte](h int32, text T) int32 {
	const second, third, fourth = hashFactor * hashFactor, hashFactor * hashFactor * hashFactor, hashFactor * hashFactor * hashFactor * hashFactor
	i := 0
	for ; i+4 <= len(text); i += 4 {
		h = fourth*h + third*int32(int8(text[i])) + second*int32(int8(text[i+1])) + hashFactor*int32(int8(text[i+2])) + int32(int8(text[i+3]))
	}
	for ; i < len(text); i++ {
		h = hashFactor*h + int32(int8(text[i]))
	}
	return h
}

func bucket(hash int32, buckets int) byte {
	// The remainder has the sign of the hash. Taking it in 64 bits leaves no corner at the minimum.
	bucket := int64(hash) % int64(buckets)
	if bucket < 0 {
		bucket = -bucket
	}
	return byte(bucket)
}
