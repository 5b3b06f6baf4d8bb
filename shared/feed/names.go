package feed

// What stands in more than one place of the system is said here: the names that hold where a
// configuration gives no others, those of the headers, and the sizes that topics and producers agree on.

// Topics are the topics of a feed.
type Topics struct{ Input, Output, Quarantine, DeadLetter string }

// DefaultTopics returns the topics of a feed whose configuration names no others.
func DefaultTopics() Topics {
	return Topics{
		Input: "feed-updates", Output: "feed-records", Quarantine: "feed-quarantine", DeadLetter: "feed-deadletter",
	}
}

// SampleTopic is in the origin of an event that nobody published: the sample that `feedstream invoke` makes up. A
// manifest or a function whose input topic has this name is refused, so no record's origin is taken for it.
const SampleTopic = "feedstream.sample"

// Names that hold where a configuration gives no others.
const (
	DefaultGroup      = "feed-enrich" // the consumer group of the trigger
	DefaultTable      = "USER_TEST.STOCK"
	DefaultIndex      = "USER_TEST.STOCK_CODE_INDEX"
	DefaultBucket     = "feed-reference"
	DefaultPrefix     = "stock/" // of the reference's objects in the bucket
	DefaultDatabase   = "reference"
	DefaultCollection = "stock"
)

const (
	// MaxInputBytes is the largest batch, hence the largest record, of an input topic that sets no other
	// limit: Kafka's default.
	MaxInputBytes = 1_048_588
	// SetAsideRoom is how much larger a record set aside may be than the input record that it carries.
	SetAsideRoom = 64 << 10
	// MaxSetAsideBytes is what a topic of records set aside takes where nothing else is set.
	MaxSetAsideBytes = MaxInputBytes + SetAsideRoom
)

// Headers of an output record: CloudEvents 1.0, Kafka protocol binding, binary mode.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderSubject     = "ce_subject"
	HeaderTime        = "ce_time"
	HeaderContentType = "content-type"
)

// HeaderTraceparent carries the trace that a record belongs to: W3C Trace Context, on input records where
// their producer takes part, and then on what becomes of them.
const HeaderTraceparent = "traceparent"

// HeaderRedrivenFrom stands on an input record that takes the place of one that was set aside, and names that
// one as <topic>/<partition>/<offset>.
const HeaderRedrivenFrom = "feed-redriven-from"

// Headers of a quarantined record. HeaderRedrives stands on an input record too: it counts how often
// the record was taken out of the quarantine and sent again.
const (
	HeaderValueForm       = "feed-value-form"
	HeaderReason          = "feed-reason"
	HeaderDetail          = "feed-detail"
	HeaderSetAside        = "feed-time"
	HeaderOriginTopic     = "feed-origin-topic"
	HeaderOriginPartition = "feed-origin-partition"
	HeaderOriginOffset    = "feed-origin-offset"
	HeaderOriginTimestamp = "feed-origin-timestamp"
	HeaderRedrives        = "feed-redrives"
)

// Headers of a record set aside whose key or value is cut, besides those above: what was cut, as it was
// delivered. Those of the key stand there only when it is the key that is cut.
const (
	HeaderValueBytes  = "feed-value-bytes"
	HeaderValueSHA256 = "feed-value-sha256" // hexadecimal
	HeaderKeyBytes    = "feed-key-bytes"
	HeaderKeySHA256   = "feed-key-sha256" // hexadecimal
)
