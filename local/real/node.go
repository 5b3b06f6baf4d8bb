package real

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"feedstream/local/real/child"
)

// NodeModules returns the folder whose node_modules holds what a package.json pins, fetching it first when no earlier
// run did. No script of a package runs.
func NodeModules(ctx context.Context, name string, manifest []byte) (string, error) {
	return Fetched(name, manifest, func(folder string) error {
		if err := os.WriteFile(filepath.Join(folder, "package.json"), manifest, 0o644); err != nil {
			return fmt.Errorf("write the package.json of %s: %w", name, err)
		}
		output, err := child.CombinedOutput(exec.CommandContext(ctx, "npm", "install", "--prefix", folder, "--no-audit", "--no-fund",
			"--no-package-lock", "--ignore-scripts"))
		if err != nil {
			return fmt.Errorf("fetch %s with npm (on Debian, apt-get install npm): %w\n%s", name, err, output)
		}
		return nil
	})
}
