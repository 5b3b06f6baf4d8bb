package audit

import (
	"slices"
	"testing"

	feedkafka "feedstream/shared/kafka"
)

// hoursAgo moves the first n records of a partition, and their verdicts, five hours back, all but their event
// times. What is audited from noon on need not see them.
func (w *world) hoursAgo(partition, n int) {
	for _, r := range w.inputs[partition][:n] {
		r.Timestamp = noon.Add(-5 * clockSlack)
	}
	w.out = slices.DeleteFunc(w.out, func(m feedkafka.Message) bool {
		r, err := feedkafka.ParseRecord(&m)
		old := err == nil && r.Origin.Partition == partition && r.Origin.Offset < int64(n)
		if old {
			w.earlier = append(w.earlier, m)
		}
		return old
	})
}

// An audit from a time on reads what was written from then on, and judges what that tells of.
func TestFromLimitsWhatIsRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		from  string
		spoil func(w *world)
		kinds []Kind
	}{
		{"a time", "2026-11-23T12:00:00Z", func(*world) {}, nil},
		{"an offset", "0:5", func(*world) {}, nil},
		{"a verdict before is lost", "2026-11-23T12:00:00Z", func(w *world) { w.earlier = w.earlier[1:] }, nil},
		{"a verdict is lost", "0:5", func(w *world) { w.out = w.out[1:] }, []Kind{Missing, RowStray}},
		{"a row from before is another", "0:5", func(w *world) { w.rows[1].Record.StockName = "other" }, nil},
		{"a row is another", "0:5", func(w *world) { w.rows[5].Record.StockName = "other" }, []Kind{RowWrong}},
		{"a row is that of an older event", "0:5", func(w *world) {
			w.inputs[0][6] = event("a1", "2318.HK", 6)
			r := w.record(0, 6, nil, "v1")
			w.out[1] = feedkafka.RecordMessage(topics.Output, &r) // and a1 still has the row of 0:1
			w.rows, w.index = slices.Delete(w.rows, 6, 7), slices.Delete(w.index, 6, 7)
		}, []Kind{RowWrong}},
		{"an older record is of a newer event", "0:5", func(w *world) {
			w.inputs[0][6] = event("a1", "2318.HK", -6)
			r := w.record(0, 6, nil, "v1")
			w.out[1] = feedkafka.RecordMessage(topics.Output, &r)
			w.rows, w.index = slices.Delete(w.rows, 6, 7), slices.Delete(w.index, 6, 7)
		}, nil},
		{"an index row is lost", "0:5", func(w *world) { w.index = w.index[1:] }, []Kind{IndexMissing}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := balancedWorld()
			w.hoursAgo(0, 5)
			if test.from[1] != ':' { // all of the other partition is audited too
				w.inputs[1] = nil
				w.out = slices.DeleteFunc(w.out, func(m feedkafka.Message) bool {
					r, err := feedkafka.ParseRecord(&m)
					return err == nil && r.Origin.Partition == 1
				})
				w.rows, w.index = w.rows[:7], w.index[:7]
			}
			test.spoil(w)
			s := startKafka(t)
			w.write(t, s)
			from, err := ParseBound(test.from)
			if err != nil {
				t.Fatal(err)
			}
			totals := map[string]int64{}
			r, err := Run(testContext(t), Config{
				Kafka: Kafka{Brokers: []string{s.Addr()}}, Topics: topics, Group: group, From: from, Table: w,
				Progress: func(step string, done, total int64) { totals[step] = total },
			})
			if err != nil {
				t.Fatal(err)
			}
			var kinds []Kind
			for _, f := range r.Faults {
				kinds = append(kinds, f.Kind)
			}
			outputs := 0
			for _, m := range w.out {
				if m.Topic == topics.Output {
					outputs++
				}
			}
			if !slices.Equal(kinds, test.kinds) || r.Published != 5 {
				t.Errorf("report = %+v", r)
			}
			if totals[topics.Input] != 5 || totals[topics.Output] != int64(outputs) {
				t.Errorf("progress tells of %v, want 5 input records and %d output records", totals, outputs)
			}
		})
	}
}
