package config_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/config"
)

func readFile(t testing.TB, content string) (map[string]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.env")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.ReadFile(path)
}

func TestReadFile(t *testing.T) {
	got, err := readFile(t, "\ufeff# a comment\r\n\r\nPLAIN=h:9092,i:9092\r\nexport EXPORTED=x\nEMPTY=\nQUOTED='xTvDqw$27 #1' # of the account\n"+
		"DOUBLE=\"a b&c\"\n  INDENTED=1\nTWICE=1\nTWICE=2\nCA='a\\nb'\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"PLAIN": "h:9092,i:9092", "EXPORTED": "x", "EMPTY": "", "QUOTED": "xTvDqw$27 #1", "DOUBLE": "a b&c",
		"INDENTED": "1", "TWICE": "2", "CA": `a\nb`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What two readers of such files take for different values is refused, without showing it.
func TestReadFileRefuses(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"PASSWORD=$2024hush", "line 2: the value of PASSWORD holds '$', which a shell would not take as written: write it in single quotes, PASSWORD='…'"},
		{"PASSWORD=xTvDqw$27hush", "holds '$'"},
		{`PASSWORD="xTvDqw$27hush"`, "holds '$'"},
		{"PASSWORD=a #hush", "holds ' '"},
		{"URI=mongodb://h/?a=1&hush=2", "holds '&'"},
		{`PASSWORD=a\hush`, `holds '\\'`},
		{"PASSWORD='hush", "does not end with its single quote"},
		{`PASSWORD="hush`, "does not end with its double quote"},
		{"PASSWORD='it's hush'", "does not end with its single quote"},
		{"KAFKA_BROKERS", "it is no NAME=value line"},
		{"A B=hush", "it is no NAME=value line"},
		{"PASSWORD=hush#1", "holds '#'"},
		{"KAFKA_CA=~/hush", "holds '~'"},
		{"PASSWORD=it's-hush", `write it in double quotes, PASSWORD="…"`},
		{"PASSWORD=it's-hush$1", "no quotes help"},
		{"PASSWORD='hush${1+1}'", `holds "${", which not every reader takes as written, in no quotes: choose another value`},
		{"PASSWORD='hush<%x%>'", `holds "<%"`},
		{"PASSWORD='hush\x00'", "in no quotes"},
	} {
		_, err := readFile(t, "A=1\n"+test.line+"\n")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: error = %v, want %q", test.line, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error shows the value: %v", test.line, err)
		}
	}
}

// What is taken is what a shell reads that sources the file.
func TestReadFileAsAShell(t *testing.T) {
	for _, line := range []string{
		"V=plain", "V=", "V=''", "export V=x", "  V=h1:9092,h2:9092  ", "V='xTvDqw$27'", "V='$2024'", "V='a #b'", `V='pa\nss'`, `V='a"b'`,
		`V="it's"`, `V="a #b&c" # a comment`, "V=mongodb://u:p%40@h:1/?a=b", "V='平安'", "V=acs:ram::1:role/x", "V=1\nV=2", "V=a{b,c}*?[d]!^=",
	} {
		path := filepath.Join(t.TempDir(), "a.env")
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		values, err := config.ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		shell := exec.Command("sh", "-c", `. "$1"; printf %s "$V"`, "sh", path)
		if out, err := shell.Output(); err != nil || string(out) != values["V"] {
			t.Errorf("%s: a shell reads %q, %v; we read %q", line, out, err, values["V"])
		}
	}
}

// `s` reads a file of the name .env beside s.yaml by itself, and replaces what begins with $ in it.
func TestReadFileOfTheNameThatOthersRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte("A='xTvDqw$27'\nB=c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.ReadFile(path); err == nil || !strings.Contains(err.Error(), "the value of A") || !strings.Contains(err.Error(), "deploy.env") {
		t.Errorf("error = %v", err)
	}
}

// A value in single quotes comes back to the letter.
func FuzzReadFile(f *testing.F) {
	f.Add("a$b #c")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, "'\n\x00") || strings.Contains(value, "${") || strings.Contains(value, "<%") {
			return
		}
		got, err := readFile(t, "A='"+value+"'\n")
		if err != nil || got["A"] != value {
			t.Errorf("%q comes back as %q, %v", value, got["A"], err)
		}
	})
}
