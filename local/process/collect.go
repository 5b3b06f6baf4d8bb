package process

import (
	"os"
	"runtime/debug"
)

// The heap of a process that holds the embedded servers may grow to five times what is in use, but beyond 264 MB by no more
// than the collector can spare: the servers make much garbage and keep little, so that collecting late spares a seventh of
// the processor time.
const (
	latePercent = 400
	lateLimit   = 264 << 20
)

// CollectLate has this process collect its garbage late, for as long as it runs. What GOGC and GOMEMLIMIT say goes before.
func CollectLate() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(latePercent)
		debug.SetMemoryLimit(lateLimit)
	}
}
