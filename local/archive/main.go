// Command archive packs one executable into a zip file for Function Compute:
//
//	archive OUT.zip EXECUTABLE
//
// The entry keeps the executable's base name, has mode 0755 whatever the file system says, and a
// fixed time, so that equal binaries give equal archives.
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: archive OUT.zip EXECUTABLE")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pack(out, executable string) (err error) {
	source, err := os.Open(executable)
	if err != nil {
		return fmt.Errorf("pack %s: %w", executable, err)
	}
	defer source.Close()
	target, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("pack %s: %w", executable, err)
	}
	defer func() {
		if closed := target.Close(); err == nil && closed != nil {
			err = fmt.Errorf("write %s: %w", out, closed)
		}
	}()
	header := &zip.FileHeader{
		Name: filepath.Base(executable), Method: zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	header.SetMode(0o755)
	archive := zip.NewWriter(target)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	if _, err := io.Copy(entry, source); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return nil
}
