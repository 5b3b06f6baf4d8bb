//go:build clients

package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"feedstream/local/real"
	"feedstream/local/real/child"
)

// environment is what a process is told, as name=value.
type environment []string

// program fetches a client, builds what tries its calls, and returns that ready to run. What is built
// goes to folder.
func program(ctx context.Context, folder string, c *client) (*exec.Cmd, error) {
	told, err := fetch(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", c, err)
	}
	var cmd *exec.Cmd
	switch filepath.Ext(c.Program) {
	case ".py":
		cmd = exec.CommandContext(ctx, "python3", c.Program)
	case ".js":
		modules, _ := told.value("NODE_PATH")
		cmd = exec.CommandContext(ctx, node(modules), c.Program)
	case ".java":
		jars, _ := told.value("FEEDSTREAM_JARS")
		compile := exec.CommandContext(ctx, "javac", "-nowarn", "-d", folder, "-cp", jars, "Calls.java", c.Program)
		if err := build(compile); err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, "java", "-Xmx512m", "-cp", folder+":"+jars, "Main")
	default: // a folder of Go
		binary := filepath.Join(folder, "program")
		goModule, pkg := filepath.Split(c.Program)
		if err := build(exec.CommandContext(ctx, "go", "build", "-C", goModule, "-o", binary, "./"+pkg)); err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, binary)
	}
	cmd.Env = append(os.Environ(), told...)
	return cmd, nil
}

func build(cmd *exec.Cmd) error {
	if output, err := child.CombinedOutput(cmd); err != nil {
		return fmt.Errorf("build: %s: %w\n%s", cmd, err, output)
	}
	return nil
}

// fetch brings what a manifest pins into the cache and returns what tells a program where it lies.
func fetch(ctx context.Context, c *client) (environment, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	told := environment{"PYTHONDONTWRITEBYTECODE=1", "FEEDSTREAM_VERSION=" + c.Version}
	switch filepath.Base(c.Manifest) {
	case "requirements.txt":
		folder, err := fetchPython(ctx, c)
		return append(told, "PYTHONPATH="+folder+":"+here), err
	case "package.json":
		folder, err := fetchNode(ctx, c)
		return append(told, "NODE_PATH="+filepath.Join(folder, "node_modules")), err
	case "pom.xml":
		pom, err := os.ReadFile(c.Manifest)
		if err != nil {
			return nil, err
		}
		if pinned := pinnedVersion.FindSubmatch(pom); pinned == nil || string(pinned[1]) != c.Version {
			return nil, fmt.Errorf("%s pins another version: %q", c.Manifest, pinned)
		}
		folder, err := real.JarsOf(ctx, cacheName(c), pom)
		return append(told, "PYTHONPATH="+here, "FEEDSTREAM_JARS="+filepath.Join(folder, "*")), err
	default: // Go fetches by itself, a package of the machine is there
		return append(told, "PYTHONPATH="+here), nil
	}
}

// pinnedVersion is that of the first dependency of a pom: the jars do not tell theirs.
var pinnedVersion = regexp.MustCompile(`<dependency>.*<version>(.+)</version></dependency>`)

func cacheName(c *client) string {
	return "clients/" + strings.ReplaceAll(filepath.Dir(c.Manifest), string(filepath.Separator), "-")
}

// fetchPython installs beside a virtual environment, whose pip is its own, so that the folder can move.
func fetchPython(ctx context.Context, c *client) (string, error) {
	requirements, err := os.ReadFile(c.Manifest)
	if err != nil {
		return "", err
	}
	python, err := child.CombinedOutput(exec.CommandContext(ctx, "python3", "--version"))
	if err != nil {
		return "", fmt.Errorf("python3 is not installed: on Debian, apt-get install python3-venv: %w", err)
	}
	// Compiled modules fit one version of Python.
	return real.Fetched(cacheName(c), append(requirements, python...), func(folder string) error {
		environment, err := os.MkdirTemp("", "feedstream-venv-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(environment)
		if output, err := child.CombinedOutput(exec.CommandContext(ctx, "python3", "-m", "venv", environment)); err != nil {
			return fmt.Errorf("make a virtual environment (on Debian, apt-get install python3-venv): %w\n%s", err, output)
		}
		return build(exec.CommandContext(ctx, filepath.Join(environment, "bin", "python"), "-m", "pip", "install", "--quiet",
			"--disable-pip-version-check", "--target", folder, "--requirement", c.Manifest))
	})
}

func fetchNode(ctx context.Context, c *client) (string, error) {
	manifest, err := os.ReadFile(c.Manifest)
	if err != nil {
		return "", err
	}
	return real.NodeModules(ctx, cacheName(c), manifest)
}

// node is the Node.js that came with the client, which asks for a newer one than Debian 12 has; on
// machines that there is no package for, it is their own.
func node(modules string) string {
	if came, err := filepath.Glob(filepath.Join(modules, "node-*", "bin", "node")); err == nil && len(came) > 0 {
		return came[0]
	}
	return "node"
}

func (e environment) value(name string) (string, bool) {
	for _, each := range e {
		if value, ok := strings.CutPrefix(each, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
