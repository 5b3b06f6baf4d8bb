package audit

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/shared/feed"
	"feedstream/shared/trigger"
)

// Reading is the delivery that the functions get of an input record: the platform decides whether its value
// arrives parsed, as text, or with replaced bytes, and the trigger what that means. So the record is sent
// the same way here, by the platform's own event and the trigger's own decoder, and no rule stands twice.
// Plain text, which nearly all records are, arrives as it is and need not go.
func Reading(r *kgo.Record) feed.Delivery {
	if len(r.Headers) == 0 && printable(r.Key) && stream.IsText(r.Value) {
		return feed.Delivery{
			Origin:    feed.Origin{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset},
			Timestamp: r.Timestamp.UnixMilli(), Key: string(r.Key), Value: string(r.Value), Form: feed.Text,
		}
	}
	body := append(make([]byte, 0, 600+2*len(r.Value)), '[')
	body = append(stream.AppendEvent(body, r, false), ']')
	deliveries, err := trigger.Decode(body)
	if err != nil { // its coordinates are those of a record, so the event was at fault: no function could read it
		return feed.Delivery{Undecodable: err.Error()}
	}
	return deliveries[0]
}

func printable(text []byte) bool {
	for _, c := range text {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// endOfTime is a clock to which no event time lies in the future: whether one did was decided when the
// record was enriched.
var endOfTime = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// Event is the update that an input record tells of, however far ahead it lies; valid is false when it tells of none.
func Event(r *kgo.Record) (update feed.Update, valid bool) {
	d := Reading(r)
	update, why := d.Update(endOfTime)
	return update, why == nil
}
