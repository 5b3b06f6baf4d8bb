package trigger

import (
	"math"
	"strings"

	"feedstream/shared/feed"
)

// The members of the data that say something.
const (
	memberTopic     = "topic"
	memberPartition = "partition"
	memberOffset    = "offset"
	memberTimestamp = "timestamp"
	memberHeaders   = "headers"
	memberKey       = "key"
	memberValue     = "value"
)

const mostPartition = math.MaxInt32

// found is one member of an event that is learned.
type found struct {
	name     string // with that of what it lies in
	member   string // of the record that it is, "" for anything else
	from, to int    // of its value
}

// learn takes over how an event is written. A value that changed from one event that was learned to the next
// is one that changes; so are those that differ in every record. An event is not learned when it is unusual
// in any way that the reading has to look at: a member that stands twice, or under another spelling.
func (s *shape) learn(event []byte, d *feed.Delivery) {
	s.values = s.values[:0]
	members, ok := membersOf(event)
	if !ok || d.Undecodable != "" {
		return
	}
	s.topic, s.redrives, s.traceparent = strings.Clone(d.Origin.Topic), d.Redrives, d.Traceparent
	if s.changing == nil || len(s.changing) > mostChanging {
		s.changing = map[string]bool{}
	}
	last, at := make(map[string]string, len(members)), 0
	for _, m := range members {
		text := string(event[m.from:m.to])
		if before, known := s.last[m.name]; known && before != text {
			s.changing[m.name] = true
		}
		last[m.name] = text
		switch m.member {
		case memberPartition, memberOffset, memberTimestamp, memberKey, memberValue:
		default:
			if !s.changing[m.name] {
				continue
			}
		}
		s.values = append(s.values, value{string(event[at:m.from]), m.member})
		at = m.to
	}
	s.end, s.last = string(event[at:]), last
}

// mostChanging bounds what is kept of names, which a stream could make up.
const mostChanging = 64

// membersOf returns the members of an event and of its data in the order of their values; ok is false when
// the event is unusual.
func membersOf(event []byte) (members []found, ok bool) {
	ok = true
	data := -1
	err := spans(event, func(name []byte, from, to int) error {
		text, plain := unescaped(name)
		if lower(text) == "data" {
			ok = ok && text == "data" && data < 0 && event[from] == '{'
			data = len(members)
		}
		ok = ok && plain
		members = append(members, found{name: text, from: from, to: to})
		return nil
	})
	if err != nil || !ok {
		return nil, false
	}
	if data < 0 {
		return members, nameRecord(members)
	}
	outer := members
	from := outer[data].from
	inner, ok := innerMembers(event[from:outer[data].to], from)
	members = append(append(append([]found(nil), outer[:data]...), inner...), outer[data+1:]...)
	return members, ok && nameRecord(members[data:data+len(inner)])
}

// innerMembers returns those of the data, which begins at an index of its event.
func innerMembers(data []byte, at int) (members []found, ok bool) {
	ok = true
	err := spans(data, func(name []byte, from, to int) error {
		text, plain := unescaped(name)
		ok = ok && plain
		members = append(members, found{name: text, from: at + from, to: at + to})
		return nil
	})
	return members, ok && err == nil
}

// nameRecord says which members of the data are those of the record, and false when one of them stands twice
// or in another spelling.
func nameRecord(members []found) bool {
	seen := map[string]bool{}
	for i := range members {
		m := &members[i]
		switch name := lower(m.name); name {
		case memberTopic, memberPartition, memberOffset, memberTimestamp, memberHeaders, memberKey, memberValue:
			if name != m.name || seen[name] {
				return false
			}
			seen[name], m.member = true, name
		}
		m.name = "data." + m.name
	}
	return true
}
