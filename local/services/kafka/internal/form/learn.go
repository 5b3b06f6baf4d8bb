package form

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// tagged are the fields that are written as tags, with their numbers. All others stand in the order in which they are
// declared.
var tagged = map[string]uint32{
	"FetchRequest.ClusterID":                                0,
	"FetchRequest.ReplicaState":                             1,
	"FetchRequestTopicPartition.ReplicaDirectoryID":         0,
	"FetchRequestTopicPartition.HighWatermark":              1,
	"FetchSnapshotRequest.ClusterID":                        0,
	"FetchSnapshotRequestTopicPartition.ReplicaDirectoryID": 0,
	"BrokerHeartbeatRequest.OfflineLogDirs":                 0,
	"BrokerHeartbeatRequest.CordonedLogDirs":                1,
}

// learner finds the form of one request by writing it: a field that changes nothing is not in this version.
type learner struct{ request kmsg.Request }

func learn(name versioned) []part {
	request := kmsg.RequestForKey(name.key)
	content := reflect.ValueOf(request).Elem()
	content.SetZero() // some fields have defaults, which are the values that are to show
	fill(content)
	request.SetVersion(name.version)
	return learner{request}.fields(content)
}

// fill puts one element into each array and a value into each pointer, so that all there is gets written.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	}
}

// fields are the parts of a structure.
func (l learner) fields(v reflect.Value) []part {
	var parts []part
	known := map[uint32][]part{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		_, isTags := v.Field(i).Interface().(kmsg.Tags)
		number, isTag := tagged[v.Type().Name()+"."+field.Name]
		switch {
		case v.Addr().Interface() == any(l.request) && field.Name == "Version":
		case isTags:
			if l.request.IsFlexible() {
				parts = append(parts, part{kind: tags, known: known})
			}
		case isTag:
			if field.Type.Kind() == reflect.Struct {
				known[number] = l.fields(v.Field(i))
			}
		default:
			parts = append(parts, l.field(v.Field(i))...)
		}
	}
	return parts
}

// field is one field, or nothing when it is not written.
func (l learner) field(v reflect.Value) []part {
	if v.Kind() == reflect.Struct {
		return l.fields(v)
	}
	p, other := l.value(v)
	if !l.matters(v, other) {
		return nil
	}
	return []part{p}
}

// value is how a value is written, and another value that would show.
func (l learner) value(v reflect.Value) (part, reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		return part{kind: fixed, size: 1}, reflect.ValueOf(true)
	case reflect.Int8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Int64, reflect.Float64:
		return part{kind: fixed, size: int(v.Type().Size())}, reflect.ValueOf(1).Convert(v.Type())
	case reflect.Array:
		other := reflect.New(v.Type()).Elem()
		other.Index(0).SetUint(1)
		return part{kind: fixed, size: v.Len()}, other
	case reflect.String:
		return part{kind: text}, reflect.ValueOf("x")
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return part{kind: data}, reflect.ValueOf([]byte("x"))
		}
		return part{kind: array, parts: l.element(v.Index(0))}, reflect.AppendSlice(v, v)
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			return part{kind: text}, reflect.ValueOf(kmsg.StringPtr("x"))
		}
		return part{kind: optional, parts: l.fields(v.Elem())}, reflect.Zero(v.Type())
	}
	panic(fmt.Sprintf("%T has a %s, whose form is not known", l.request, v.Type()))
}

// element is one element of an array, which is written whenever the array is.
func (l learner) element(v reflect.Value) []part {
	if v.Kind() == reflect.Struct {
		return l.fields(v)
	}
	p, _ := l.value(v)
	return []part{p}
}

// matters tells whether the request is written otherwise with another value.
func (l learner) matters(v, other reflect.Value) bool {
	before := l.request.AppendTo(nil)
	was := reflect.ValueOf(v.Interface())
	v.Set(other)
	after := l.request.AppendTo(nil)
	v.Set(was)
	return !bytes.Equal(before, after)
}
