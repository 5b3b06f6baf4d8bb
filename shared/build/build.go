// Package build tells which build a process is: what `feedstream --version` prints and what stands in
// the first log line of each function.
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Where the sources are no checkout, the one who builds says what they are:
//
//	go build -ldflags "-X feedstream/shared/build.version=v1.2.3 -X feedstream/shared/build.commit=0123abc"
var version, commit string

// Info is a build. Version and Commit are "unknown" when nobody said.
type Info struct {
	Version string // of the module
	Commit  string // of the sources, marked as dirty when they were changed after it
	Go      string
}

// String returns one line for people.
func (i Info) String() string { return fmt.Sprintf("%s (commit %s, %s)", i.Version, i.Commit, i.Go) }

// Read returns the build of this process.
func Read() Info {
	stamped, _ := debug.ReadBuildInfo()
	return of(stamped, version, commit)
}

// of prefers what was said at the build to what the toolchain has stamped.
func of(stamped *debug.BuildInfo, version, commit string) Info {
	info := Info{Version: "unknown", Commit: "unknown", Go: runtime.Version()}
	if stamped != nil {
		settings := map[string]string{}
		for _, s := range stamped.Settings {
			settings[s.Key] = s.Value
		}
		if stamped.Main.Version != "" {
			info.Version = stamped.Main.Version
		}
		if revision := settings["vcs.revision"]; revision != "" {
			info.Commit = revision
			if settings["vcs.modified"] == "true" {
				info.Commit += "+dirty"
			}
		}
	}
	if version != "" {
		info.Version = version
	}
	if commit != "" {
		info.Commit = commit
	}
	return info
}
