package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The zip of a function is the same bytes whatever folder it is built in, a checkout or a source archive, so that a
// deploy from another machine uploads nothing new. It holds one program that the cloud can run.
func TestZipsAreReproducible(t *testing.T) {
	checkout, archive := filepath.Join(t.TempDir(), "a checkout"), filepath.Join(t.TempDir(), "archive")
	for _, folder := range []string{checkout, archive} {
		for _, name := range []string{"go.mod", "go.sum", "Makefile", "functions", "shared", "local/archive"} {
			copyTo(t, filepath.Join("../..", name), filepath.Join(folder, name))
		}
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-A"},
		{"-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "sources"},
	} {
		run(t, checkout, "git", args...)
	}
	first, second := zipOf(t, checkout), zipOf(t, archive)
	if !bytes.Equal(first, second) {
		t.Errorf("two folders give two zips, of %d and %d bytes", len(first), len(second))
	}
	content, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(content.File) != 1 {
		t.Fatalf("the zip holds %d files, %v", len(content.File), err)
	}
	entry := content.File[0]
	if entry.Name != "publish" || entry.Mode() != 0o755 {
		t.Errorf("the entry is %s with mode %v", entry.Name, entry.Mode())
	}
	opened, err := entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil || program.Machine != elf.EM_X86_64 {
		t.Fatalf("the program is %+v, %v", program, err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is linked dynamically")
		}
	}
	if !bytes.Contains(binary, []byte("0123456789ab")) {
		t.Error("the program does not name the commit that was handed in")
	}
}

// zipOf builds the zip of one function as `make` does, yet with the Go that is there: another would have to be fetched.
func zipOf(t *testing.T, folder string) []byte {
	t.Helper()
	run(t, folder, "make", "zips", "FUNCTIONS=publish", "COMMIT=0123456789ab", "TOOLCHAIN=local")
	content, err := os.ReadFile(filepath.Join(folder, "bin", "zip", "publish.zip"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func run(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, text)
	}
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else if err == nil {
		var content []byte
		content, err = os.ReadFile(from)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, content, fs.FileMode(0o644)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A secret that is deployed, and not in the environment, is known by the name of its variable.
func TestAPlanPrintsNoSecretsOfWhatIsDeployed(t *testing.T) {
	folder := t.TempDir()
	copyTo(t, "../../Makefile", filepath.Join(folder, "Makefile"))
	copyTo(t, "../../go.mod", filepath.Join(folder, "go.mod"))
	if err := os.WriteFile(filepath.Join(folder, "s"), []byte("#!/bin/sh\ncat printed\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ printed, want string }{
		{"environmentVariables:\n  LOG_LEVEL: INFO\n", "environmentVariables:\n  LOG_LEVEL: INFO\n"},
		{"- KAFKA_SASL_PASSWORD: hush\n+ KAFKA_SASL_PASSWORD: other\n", "- KAFKA_SASL_PASSWORD ***\n+ KAFKA_SASL_PASSWORD ***\n"},
		{`  "MONGODB_URI": "mongodb://u:hush@h/" => "mongodb://h/",` + "\n", "  \"MONGODB_URI ***\n"},
		{"\x1b[31m-  MONGODB_URI: hush\x1b[39m\n", "-  MONGODB_URI ***\n"},
		{"KAFKA_SASL_PASSWORD=hush\n", "KAFKA_SASL_PASSWORD ***\n"},
		{"{LOG_LEVEL: INFO, MY_API_KEY: hush, TZ: UTC}\n", "{LOG_LEVEL: INFO, MY_API_KEY ***\n"},
		{"  MONGODB_URI: >-\n    hush\n\n    hush\n  LOG_LEVEL: INFO\n", "  MONGODB_URI: >-\n***\n\n***\n  LOG_LEVEL: INFO\n"},
		{"   MONGODB_URI:\n-    hush\n+    other\n   LOG_LEVEL: INFO\n", "   MONGODB_URI:\n***\n***\n   LOG_LEVEL: INFO\n"},
		{"OTEL_EXPORTER_OTLP_HEADERS: {\n  a: hush\n}\nb\n", "OTEL_EXPORTER_OTLP_HEADERS: {\n***\n}\nb\n"},
		{"  KAFKA_SASL_PASSWORD: ''\n  b: c\n", "  KAFKA_SASL_PASSWORD ***\n  b: c\n"},
	} {
		if err := os.WriteFile(filepath.Join(folder, "printed"), []byte(test.printed), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("make", "--no-print-directory", "plan")
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "KAFKA_SASL_PASSWORD=", "MONGODB_URI=", "OTEL_EXPORTER_OTLP_HEADERS=")
		printed, err := cmd.Output()
		if err != nil || string(printed) != test.want {
			t.Errorf("of %q make prints %q, want %q, %v", test.printed, printed, test.want, err)
		}
	}
}

// What the deploy tool prints goes through make, which takes the secrets out and keeps the outcome.
func TestDeployPrintsNoSecrets(t *testing.T) {
	folder := t.TempDir()
	copyTo(t, "../../Makefile", filepath.Join(folder, "Makefile"))
	copyTo(t, "../../go.mod", filepath.Join(folder, "go.mod"))
	const tool = `#!/bin/sh
printf '%s: %s and %s, %s%s, plain\n' "$1" "$KAFKA_SASL_PASSWORD" "$MONGODB_URI" "$KAFKA_SASL_PASSWORD" "$KAFKA_SASL_PASSWORD"
printf 'to stderr: %s\n' "$MONGODB_URI" >&2
exit $CODE
`
	if err := os.WriteFile(filepath.Join(folder, "s"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		verb, password string
		code           string
		want           string
	}{
		"deploy":        {"deploy", `p.*a[$w&\r%d`, "0", "deploy: *** and ***, ******, plain\nto stderr: ***\n"},
		"plan":          {"plan", "ä pass", "0", "plan: *** and ***, ******, plain\nto stderr: ***\n"},
		"no password":   {"plan", "", "0", "plan:  and ***, , plain\nto stderr: ***\n"},
		"a failed tool": {"deploy", "pass", "7", "deploy: *** and ***, ******, plain\nto stderr: ***\n"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("make", "--no-print-directory", test.verb)
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "CODE="+test.code,
				"KAFKA_SASL_PASSWORD="+test.password, "MONGODB_URI=mongodb://u:p@h/?a=b&c=d")
			var problems bytes.Buffer
			cmd.Stderr = &problems
			printed, err := cmd.Output()
			if (err == nil) != (test.code == "0") {
				t.Errorf("the tool ended with %s, make with %v: %s", test.code, err, &problems)
			}
			if string(printed) != test.want {
				t.Errorf("printed %q, want %q", printed, test.want)
			}
		})
	}
}
