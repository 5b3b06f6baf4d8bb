package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

// do has the function carry out a command that comes as the event itself.
func (w *world) do(ctx context.Context, command reference.Command) (outcome reference.Outcome, err error) {
	event, err := json.Marshal(command)
	if err != nil {
		return outcome, err
	}
	answer, err := w.refresher().Invoke(ctx, event)
	if err != nil {
		return outcome, err
	}
	return outcome, json.Unmarshal(answer, &outcome)
}

func (w *world) must(t *testing.T, command reference.Command) reference.Outcome {
	t.Helper()
	w.now = w.now.Add(time.Minute)
	outcome, err := w.do(t.Context(), command)
	if err != nil {
		t.Fatalf("%+v: %v", command, err)
	}
	return outcome
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An object that is gone or altered while the content is unchanged is written again, and the answer says so;
// so is a manifest that cannot be read.
func TestARefreshMendsWhatIsDamaged(t *testing.T) {
	for name, test := range map[string]struct {
		damage   func(*world, reference.Manifest) error
		revision int64
		says     string
	}{
		"object gone": {func(w *world, m reference.Manifest) error {
			return w.store.Delete(t.Context(), m.Object)
		}, 2, "not found"},
		"object altered": {func(w *world, m reference.Manifest) error {
			return w.store.Put(t.Context(), m.Object, make([]byte, m.Bytes), true)
		}, 2, "sha256"},
		"object cut": {func(w *world, m reference.Manifest) error {
			return w.store.Put(t.Context(), m.Object, []byte("feedstream"), true)
		}, 2, "10 bytes instead of"},
		"manifest cut": {func(w *world, _ reference.Manifest) error {
			return w.store.Put(t.Context(), manifestKey, []byte(`{"revision":`), true)
		}, 1, "manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("1.HK", "2.HK")
			w.refresh(t)
			m := w.parsed(t)
			must(t, test.damage(w, m))
			w.now = w.now.Add(time.Hour)
			got := w.refresh(t)
			if len(got.Mended) != 1 || !strings.Contains(got.Mended[0], test.says) || got.Revision != test.revision {
				t.Errorf("outcome = %+v", got)
			}
			w.intact(t)
			if again := w.refresh(t); again.Mended != nil {
				t.Errorf("mended again: %+v", again)
			}
		})
	}
}

func (w *world) intact(t interface {
	Helper()
	Fatal(...any)
}) reference.Manifest {
	t.Helper()
	ctx := context.Background()
	object, err := w.store.Get(ctx, manifestKey, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := reference.ParseManifest(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reference.ReadSnapshot(ctx, w.store, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// With a damaged manifest the source is still judged, by the newest snapshot that is whole.
func TestADamagedManifestDoesNotAdmitAShrink(t *testing.T) {
	w := newWorld("1.HK", "2.HK", "3.HK", "4.HK", "5.HK")
	w.refresh(t)
	must(t, w.store.Put(t.Context(), manifestKey, []byte("{"), true))
	w.fill("1.HK")
	_, err := w.do(t.Context(), reference.Command{Action: "refresh"})
	testkit.WantError(t, err, "from 5 entries to 1", "read the manifest: damaged")
	got := w.must(t, reference.Command{Action: "refresh", AcceptShrink: true})
	if got.Entries != 1 || len(got.Mended) != 1 {
		t.Errorf("outcome = %+v", got)
	}
}

func TestAcceptedOnce(t *testing.T) {
	w := newWorld("1.HK", "2.HK", "3.HK")
	w.maxPriceChange = 0.5
	w.refresh(t)
	w.fill("1.HK")
	shrink := reference.Command{Action: "refresh"}
	_, err := w.do(t.Context(), shrink)
	testkit.WantError(t, err, "REFERENCE_MAX_SHRINK")
	shrink.AcceptShrink = true
	w.must(t, shrink)

	w.documents[0].LastPrice = 782.5
	before, puts := w.manifest(t), w.store.Calls(osstest.OpPut)
	_, err = w.do(t.Context(), shrink) // which accepts no price
	var refused *reference.RefusedError
	if !errors.As(err, &refused) || len(refused.Report.Jumps) != 1 {
		t.Errorf("error = %v", err)
	}
	testkit.WantError(t, err, "REFERENCE_MAX_PRICE_CHANGE", "1.HK", "78.25", "782.5")
	w.checkUntouched(t, before, puts)
	w.must(t, reference.Command{Action: "refresh", AcceptPrices: true})
	w.fill() // nothing at all is never accepted
	_, err = w.do(t.Context(), shrink)
	testkit.WantError(t, err, "REFERENCE_MIN_ENTRIES")
}

// A rollback outlasts the timer although the source still holds what was wrong; unpin follows it again.
func TestRollbackAndUnpin(t *testing.T) {
	w := newWorld("1.HK", "2.HK")
	first := w.refresh(t)
	w.now = w.now.Add(time.Hour)
	w.fill("1.HK", "2.HK", "3.HK")
	second := w.refresh(t)
	back := w.must(t, reference.Command{Action: "rollback"})
	want := reference.Outcome{Action: "rollback", Version: first.Version, Revision: 3,
		Changed: true, Pinned: true, Entries: 2}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Error(diff)
	}
	w.fill("1.HK")
	got := w.refresh(t)
	if got.Version != first.Version || !got.Pinned || !strings.Contains(got.Refusal, "REFERENCE_MAX_SHRINK") {
		t.Errorf("the timer after a rollback: %+v", got)
	}
	before, puts := w.manifest(t), w.store.Calls(osstest.OpPut)
	_, err := w.do(t.Context(), reference.Command{Action: "unpin"})
	testkit.WantError(t, err, "REFERENCE_MAX_SHRINK")
	w.checkUntouched(t, before, puts)
	w.fill("1.HK", "2.HK", "3.HK")
	got = w.must(t, reference.Command{Action: "unpin"})
	if got.Pinned || got.Revision != 4 || got.Entries != 3 ||
		w.parsed(t).SHA256[:8] != second.Version[len(second.Version)-8:] {
		t.Errorf("unpinned: %+v", got)
	}
}

// A pinned object that is gone is written again while the source has its content; after that only a person
// can choose, and the refresh fails until somebody does.
func TestAPinnedObjectThatIsGone(t *testing.T) {
	w := newWorld("1.HK", "2.HK")
	first := w.refresh(t)
	pinned := w.must(t, reference.Command{Action: "pin", Version: first.Version})
	must(t, w.store.Delete(t.Context(), w.parsed(t).Object))
	before := w.manifest(t)
	if got := w.refresh(t); len(got.Mended) != 1 || got.Revision != pinned.Revision || w.manifest(t) != before {
		t.Errorf("outcome = %+v", got)
	}
	w.intact(t)
	must(t, w.store.Delete(t.Context(), w.parsed(t).Object))
	w.fill("1.HK", "2.HK", "3.HK")
	_, err := w.do(t.Context(), reference.Command{Action: "refresh"})
	testkit.WantError(t, err, first.Version, "pin a version that is whole, or unpin", "not found")
	if got := w.must(t, reference.Command{Action: "unpin"}); got.Entries != 3 || got.Pinned {
		t.Errorf("outcome = %+v", got)
	}
	w.intact(t)
}

// The payload of the trigger is a command like the event itself.
func TestACommandInThePayload(t *testing.T) {
	w := newWorld("1.HK")
	first := w.refresh(t)
	event := strings.Replace(timerEvent, `"refresh"`, `"{\"action\":\"pin\",\"version\":\"`+first.Version+`\"}"`, 1)
	if _, err := w.refresher().Invoke(t.Context(), []byte(event)); err != nil || !w.parsed(t).Pinned {
		t.Errorf("pinned: %v, %v", w.parsed(t).Pinned, err)
	}
	_, err := w.refresher().Invoke(t.Context(), []byte(strings.Replace(event, "pin", "nail", 1)))
	testkit.WantError(t, err, "hourly", "nail")
}

// life is a bucket to which anything happens, one instance that reads it all the while, and a backup.
type life struct {
	*world
	cache  *reference.Cache
	backup map[string][]byte
}

func (l *life) all(t *rapid.T) map[string][]byte {
	objects, ctx := map[string][]byte{}, context.Background()
	infos, err := l.store.List(ctx, "stock/")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		object, err := l.store.Get(ctx, info.Key, "")
		if err != nil {
			t.Fatal(err)
		}
		objects[info.Key] = object.Body
	}
	return objects
}

// restore makes the bucket hold these objects and no others.
func (l *life) restore(t *rapid.T, objects map[string][]byte) {
	ctx := context.Background()
	for key := range l.all(t) {
		if err := l.store.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	for key, body := range objects {
		if err := l.store.Put(ctx, key, body, true); err != nil {
			t.Fatal(err)
		}
	}
}

// happen does one thing to source or bucket.
func (l *life) happen(t *rapid.T) {
	objects := l.all(t)
	switch rapid.SampledFrom([]string{"source", "gone", "altered", "emptied", "backup", "restored"}).Draw(t, "event") {
	case "source":
		l.fill(rapid.SampledFrom([][]string{{"1.HK", "2.HK", "3.HK"}, {"1.HK", "2.HK"}, {"9.HK"}, {}}).Draw(t, "symbols")...)
	case "gone":
		delete(objects, l.anyKey(t, objects))
		l.restore(t, objects)
	case "altered":
		if key := l.anyKey(t, objects); key != "" {
			objects[key] = objects[key][:len(objects[key])/2]
			l.restore(t, objects)
		}
	case "emptied":
		l.restore(t, nil)
	case "backup":
		l.backup = maps.Clone(objects)
	case "restored":
		l.restore(t, l.backup)
	}
}

func (l *life) anyKey(t *rapid.T, objects map[string][]byte) string {
	if len(objects) == 0 {
		return ""
	}
	keys := []string{}
	for key := range objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return rapid.SampledFrom(keys).Draw(t, "key")
}

// command draws what somebody asks for, and the call of the store, if any, that fails meanwhile.
func (l *life) command(t *rapid.T) (outcome reference.Outcome, command reference.Command, err error) {
	command = rapid.SampledFrom([]reference.Command{
		{Action: "refresh"}, {Action: "refresh", AcceptShrink: true}, {Action: "unpin", AcceptShrink: true},
		{Action: "rollback"}, {Action: "pin"},
	}).Draw(t, "command")
	if command.Action == "pin" {
		command.Version = strings.TrimSuffix(strings.TrimPrefix(l.anyKey(t, l.all(t)), "stock/snapshots/"), ".snap")
	}
	calls, failing := 0, rapid.IntRange(0, 12).Draw(t, "failing call")
	applied := rapid.Bool().Draw(t, "applied")
	l.store.Fault(func(osstest.Op, string) osstest.Fault {
		if calls++; calls == failing {
			return osstest.Fault{Err: errors.New("down"), Applied: applied}
		}
		return osstest.Fault{}
	})
	defer l.store.Fault(nil)
	outcome, err = l.do(context.Background(), command)
	return outcome, command, err
}

// Whatever happens to the bucket, whatever call fails: a command that succeeds leaves the reference whole, it
// is what the command asked for, and instances that were warm all the while serve it.
func TestTheReferenceNeverLies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{world: newWorld("1.HK", "2.HK", "3.HK")}
		l.cache = reference.NewCache(reference.CacheConfig{
			Objects: l.store, Prefix: "stock/", CheckInterval: time.Second, MaxAge: time.Hour,
			Now: func() time.Time { return l.now }, Logger: testkit.Quiet(),
		})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			l.now = l.now.Add(time.Minute)
			if rapid.Bool().Draw(t, "something happens") {
				l.happen(t)
				continue
			}
			outcome, command, err := l.command(t)
			if err != nil {
				continue
			}
			m := l.intact(t)
			if m.Version != outcome.Version || m.Revision != outcome.Revision || m.Pinned != outcome.Pinned {
				t.Fatalf("%+v answered %+v, the manifest is %+v", command, outcome, m)
			}
			if !m.Pinned && m.Entries != len(l.documents) {
				t.Fatalf("%d entries of %d documents", m.Entries, len(l.documents))
			}
			if !m.CheckedAt.Equal(l.now) {
				continue // a pinned version was left alone: it may be that of a backup
			}
			l.now = l.now.Add(time.Minute)
			view, err := l.cache.Current(context.Background())
			if err != nil || view.Manifest != m || view.Snapshot.Version() != m.Version {
				t.Fatalf("an instance serves %+v, %v; announced is %+v", view.Manifest, err, m)
			}
		}
	})
}
