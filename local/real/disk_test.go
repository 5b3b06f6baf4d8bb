//go:build real && chaos

package real

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// disk is a small file system in memory.
type disk struct{ folder string }

// mountDisk makes a folder that is a disk until the test ends. An error says why this system has none; Linux lets only
// root do it. A test that is killed leaves it behind: `umount FOLDER`.
func mountDisk(t *testing.T, folder string) (*disk, error) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mount a tmpfs on %s: %w\n%s", folder, err, output)
	}
	t.Cleanup(func() {
		if output, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("unmount %s: %v\n%s", folder, err, output)
		}
	})
	return &disk{folder}, nil
}

func (d *disk) filling() string { return filepath.Join(d.folder, "filling") }

// fill takes what is left.
func (d *disk) fill() error {
	filling, err := os.Create(d.filling())
	if err != nil {
		return fmt.Errorf("fill a disk: %w", err)
	}
	defer filling.Close()
	if _, err := io.Copy(filling, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill a disk: %w, want that no space is left", err)
	}
	return nil
}

// free gives it back.
func (d *disk) free() error { return os.Remove(d.filling()) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
