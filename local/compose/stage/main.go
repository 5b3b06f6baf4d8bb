// Command stage prepares the images of docker-compose.nopull.yml on a machine that pulls none: it lays out the
// content of each under .feedstream/compose/, and imports a base image made from the machine's own Debian packages
// when the engine has none. It runs in the root of the repository and needs root rights, debootstrap, Maven and the
// Docker command.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"feedstream/local/real"
)

const (
	staged    = ".feedstream/compose"
	baseImage = "feedstream-base:bookworm"
	suite     = "bookworm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := stage(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func stage(ctx context.Context) error {
	if err := os.RemoveAll(staged); err != nil {
		return fmt.Errorf("empty %s: %w", staged, err)
	}
	if err := base(ctx); err != nil {
		return fmt.Errorf("make the image %s: %w", baseImage, err)
	}
	const config = "local/compose/config/"
	images := []struct {
		name  string
		jars  string            // folder of the image that the jars of the pom of that name go to, if any
		files map[string]string // files and folders of the repository, and their places in the image
	}{
		{"hbase", "opt/hbase/lib", map[string]string{
			config + "hbase-site.xml": "etc/hbase/hbase-site.xml", config + "log4j2.properties": "etc/hbase/log4j2.properties",
		}},
		{"queryserver", "opt/queryserver/lib", map[string]string{
			config + "hbase-site.xml": "etc/hbase/hbase-site.xml", config + "log4j.properties": "etc/hbase/log4j.properties",
		}},
		{"kafka", "opt/kafka/libs", map[string]string{"local/compose/nopull/kafka": "."}},
		{"mongodb", "", map[string]string{"bin/mongodb": "feedstream/mongodb"}},
		{"feedstream", "", map[string]string{
			"bin/feedstream": "feedstream/bin/feedstream", "bin/functions": "feedstream/bin/functions", "s.yaml": "feedstream/s.yaml",
		}},
	}
	for _, image := range images {
		folder := filepath.Join(staged, image.name)
		if image.jars != "" {
			jars, err := real.Jars(ctx, image.name)
			if err != nil {
				return err
			}
			image.files[jars] = image.jars
		}
		for from, to := range image.files {
			if err := copyTo(from, filepath.Join(folder, "root", to)); err != nil {
				return fmt.Errorf("lay out the image %s: %w", image.name, err)
			}
		}
		if err := copyTo("local/compose/nopull/Dockerfile", filepath.Join(folder, "Dockerfile")); err != nil {
			return fmt.Errorf("lay out the image %s: %w", image.name, err)
		}
	}
	return nil
}

func copyTo(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, content, info.Mode()))
}

// base imports a Debian with a Java runtime, unless the engine has the image already.
func base(ctx context.Context) error {
	if exec.CommandContext(ctx, "docker", "image", "inspect", baseImage).Run() == nil {
		return nil
	}
	source, err := packageSource(ctx)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "feedstream-base-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := run(exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include=openjdk-17-jre-headless", suite, folder, source)); err != nil {
		return err
	}
	for _, unneeded := range []string{"var/cache/apt", "var/lib/apt/lists", "etc/apt/sources.list", "debootstrap"} {
		if err := os.RemoveAll(filepath.Join(folder, unneeded)); err != nil {
			return err
		}
	}
	pack := exec.CommandContext(ctx, "tar", "-C", folder, "-c", ".")
	load := exec.CommandContext(ctx, "docker", "import", "-", baseImage)
	if load.Stdin, err = pack.StdoutPipe(); err != nil {
		return err
	}
	if err := pack.Start(); err != nil {
		return fmt.Errorf("start tar: %w", err)
	}
	return errors.Join(run(load), pack.Wait())
}

// packageSource is the address that this machine has its own Debian packages from.
func packageSource(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)").Output()
	if err != nil {
		return "", fmt.Errorf("ask apt for its sources: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 4 && fields[1] == suite && fields[2] == "main" && fields[3] == "Packages" {
			return fields[0], nil
		}
	}
	return "", fmt.Errorf("apt knows no source of the Debian suite %s: this needs a Debian %s", suite, suite)
}

func run(cmd *exec.Cmd) error {
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, output[max(0, len(output)-3000):])
	}
	return nil
}
