package form

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// each calls for every request that the decoder knows, in every version.
func each(f func(kmsg.Request)) {
	for key := range int16(kmsg.MaxKey + 1) {
		request := kmsg.RequestForKey(key)
		if request == nil {
			continue
		}
		for version := range request.MaxVersion() + 1 {
			request = kmsg.RequestForKey(key)
			request.SetVersion(version)
			f(request)
		}
	}
}

// random gives every field some value, and counts the elements.
func random(v reflect.Value, rnd *rand.Rand) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if t := v.Type().Field(i); t.IsExported() && t.Name != "Version" {
				random(v.Field(i), rnd)
			}
		}
	case reflect.Slice:
		n := rnd.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			random(v.Index(i), rnd)
		}
	case reflect.Array:
		for i := range v.Len() {
			random(v.Index(i), rnd)
		}
	case reflect.Pointer:
		if rnd.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			random(v.Elem(), rnd)
		}
	case reflect.String:
		v.SetString(string(make([]byte, rnd.IntN(300))))
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) > 0)
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(rnd.Uint64() & 0x7f)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(int8(rnd.Uint32())))
	}
}

// TestFormsAreTheEncoders: of what the encoder writes every byte is passed over, none more, in whatever form a
// request may have; and not one may be missing.
func TestFormsAreTheEncoders(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	requests := 0
	each(func(request kmsg.Request) {
		for range 20 {
			random(reflect.ValueOf(request).Elem(), rnd)
			content := request.AppendTo(nil)
			w := walk{rest: content, flexible: request.IsFlexible()}
			w.parts(partsOf(request))
			if w.short || len(w.rest) > 0 {
				t.Fatalf("%T of version %d: short %t, %d of %d bytes left", request, request.GetVersion(), w.short,
					len(w.rest), len(content))
			}
			for range min(len(content), 3) {
				if _, err := Elements(request, content[:rnd.IntN(len(content))]); err == nil {
					t.Fatalf("%T of version %d: a part of it passes", request, request.GetVersion())
				}
			}
		}
		requests++
	})
	if requests < 250 {
		t.Errorf("%d forms only", requests)
	}
}

// TestClaims: a claim beyond the bytes is refused wherever a number of elements or tags, or a length, may stand.
func TestClaims(t *testing.T) {
	t.Parallel()
	claim := binary.AppendUvarint(nil, 1<<32-1)
	refused := 0
	each(func(request kmsg.Request) {
		if !request.IsFlexible() {
			return
		}
		content := request.AppendTo(nil)
		end := len(content) - 1 // the tags of the whole
		if _, err := Elements(request, append(content[:end:end], claim...)); err == nil {
			t.Errorf("%T of version %d may have 2^32-1 tags", request, request.GetVersion())
		}
		refused++
	})
	if refused < 100 {
		t.Errorf("%d requests only", refused)
	}
	if _, err := SkipTags(claim); err == nil {
		t.Error("a header may have 2^32-1 tags")
	}
	if rest, err := SkipTags([]byte{1, 7, 2, 'a', 'b', 'c'}); err != nil || string(rest) != "c" {
		t.Errorf("rest %q, error %v", rest, err)
	}
}

// FuzzElements: whatever comes, what passes claims no more than it has.
func FuzzElements(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	each(func(request kmsg.Request) {
		random(reflect.ValueOf(request).Elem(), rnd)
		f.Add(request.Key(), request.GetVersion(), request.AppendTo(nil))
	})
	f.Add(int16(3), int16(12), []byte("\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, key, version int16, content []byte) {
		request := kmsg.RequestForKey(key)
		if request == nil || version < 0 || version > request.MaxVersion() {
			return
		}
		request.SetVersion(version)
		n, err := Elements(request, content)
		if err == nil && n > len(content) {
			t.Errorf("%d elements in %d bytes", n, len(content))
		}
		if err == nil {
			_ = request.ReadFrom(content) // it ends: that is all that is asked
		}
	})
}
