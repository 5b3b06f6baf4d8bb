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

// bucket is the remainder of the hash's magnitude: that of the hash without its sign. The magnitude of the minimum
// fits, too, as it has no sign.
func bucket(hash int32, buckets int) byte {
	magnitude, n := uint32(hash), uint32(buckets)
	if hash < 0 {
		magnitude = -magnitude
	}
	if n&(n-1) == 0 { // what nearly all tables have costs no division
		return byte(magnitude & (n - 1))
	}
	return byte(magnitude % n)
}

// part is a text of which keys are made, so that it is read once for all of them.
type part struct{ hash, power int32 } // its hash from zero, and the factor to the power of its length

func partOf(text string) part {
	power := int32(1)
	if len(text) < len(powers) {
		power = powers[len(text)]
	} else {
		for range len(text) {
			power *= hashFactor
		}
	}
	return part{hash(0, text), power}
}

// after is the hash of a text that begins with another one, whose hash is given.
func (p part) after(hash int32) int32 { return hash*p.power + p.hash }

// powers are those of the factor.
var powers = func() (powers [64]int32) {
	powers[0] = 1
	for i := 1; i < len(powers); i++ {
		powers[i] = powers[i-1] * hashFactor
	}
	return powers
}()
