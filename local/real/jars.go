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
)

//go:embed poms
var poms embed.FS

// Jars returns the folder with the jars of a pom (hbase, kafka, queryserver) and all they depend on,
// fetching them first when no earlier run did. The folder is named after the pom's content, so another version gets another one.
func Jars(ctx context.Context, name string) (string, error) {
	pom, err := poms.ReadFile("poms/" + name + "/pom.xml")
	if err != nil {
		return "", fmt.Errorf("read the pom of %s: %w", name, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	sum := sha256.Sum256(pom)
	folder := filepath.Join(cache, "feedstream", name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", errors.New("mvn is not installed: on Debian, apt-get install maven openjdk-17-jdk-headless")
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the jars: %w", err)
	}
	defer os.RemoveAll(beside)
	if err := os.WriteFile(filepath.Join(beside, "pom.xml"), pom, 0o644); err != nil {
		return "", fmt.Errorf("write the pom: %w", err)
	}
	fetch := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(beside, "jars"))
	fetch.Dir = beside
	if output, err := fetch.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch the jars of %s with Maven: %w\n%s", name, err, output)
	}
	if err := os.Rename(filepath.Join(beside, "jars"), folder); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("keep the jars: %w", err)
	}
	return folder, nil
}
