package build

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestInfo(t *testing.T) {
	stamp := func(modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: modified}}}
	}
	for name, test := range map[string]struct {
		stamped         *debug.BuildInfo
		version, commit string
		want            Info
	}{
		"nobody said":   {nil, "", "", Info{Version: "unknown", Commit: "unknown"}},
		"a checkout":    {stamp("false"), "", "", Info{Version: "v1.2.3", Commit: "0123abc"}},
		"changed since": {stamp("true"), "", "", Info{Version: "v1.2.3", Commit: "0123abc+dirty"}},
		"said by flags": {stamp("true"), "v2", "fedcba", Info{Version: "v2", Commit: "fedcba"}},
	} {
		test.want.Go = runtime.Version()
		if got := of(test.stamped, test.version, test.commit); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	if got, want := (Info{"v1", "abc", "go1"}).String(), "v1 (commit abc, go1)"; got != want {
		t.Errorf("String = %s, want %s", got, want)
	}
}
