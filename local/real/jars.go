package real

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"feedstream/local/real/child"
)

//go:embed poms
var poms embed.FS

// Jars returns the folder with the jars of a pom (hbase, kafka, queryserver) and all they depend on.
func Jars(ctx context.Context, name string) (string, error) {
	pom, err := poms.ReadFile("poms/" + name + "/pom.xml")
	if err != nil {
		return "", fmt.Errorf("read the pom of %s: %w", name, err)
	}
	return JarsOf(ctx, name, pom)
}

// JarsOf returns the folder with the jars of a pom of one's own, fetching them first when no earlier run did.
func JarsOf(ctx context.Context, name string, pom []byte) (string, error) {
	return Fetched(name, pom, func(folder string) error {
		if _, err := exec.LookPath("mvn"); err != nil {
			return errors.New("mvn is not installed: on Debian, apt-get install maven openjdk-17-jdk-headless")
		}
		project, err := os.MkdirTemp("", "feedstream-pom-")
		if err != nil {
			return fmt.Errorf("make a folder for the pom: %w", err)
		}
		defer os.RemoveAll(project)
		if err := os.WriteFile(filepath.Join(project, "pom.xml"), pom, 0o644); err != nil {
			return fmt.Errorf("write the pom: %w", err)
		}
		fetch := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+folder)
		fetch.Dir = project
		if output, err := child.CombinedOutput(fetch); err != nil {
			return fmt.Errorf("fetch the jars of %s with Maven: %w\n%s", name, err, output)
		}
		return nil
	})
}

// Fetched returns a folder of the user's cache that fetch has filled, in this run or an earlier one. It
// is named after the content of the manifest that says what to fetch: another version gets another one.
func Fetched(name string, manifest []byte, fetch func(folder string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	sum := sha256.Sum256(manifest)
	folder := filepath.Join(cache, "feedstream", filepath.FromSlash(name)+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		return "", fmt.Errorf("make a folder for what is fetched: %w", err)
	}
	defer os.RemoveAll(beside)
	if err := os.Chmod(beside, 0o755); err != nil {
		return "", fmt.Errorf("make a folder for what is fetched: %w", err)
	}
	if err := fetch(beside); err != nil {
		return "", err
	}
	if err := os.Rename(beside, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("keep what was fetched: %w", err)
	}
	return folder, nil
}
