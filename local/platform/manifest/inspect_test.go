package manifest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// However wrong a manifest is, what stands in it can be looked at, with its place.
func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	text := "edition: 3.0.0\nname: x\nvars:\n  region: ${env('REGION', 'cn-hangzhou')}\nresources:\n  f:\n    component: fc3\n    props:\n" +
		"      wrong: 1\n      region: ${vars.region}\n      role: ${env('ROLE')}\n      list: [a, 'b${env(\"B\")}']\n  other:\n    component: oss\n    props: {}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := Inspect(path, environment(map[string]string{"B": "bee"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Problems) == 0 {
		t.Error("an unknown key is no problem")
	}
	props := []string{"resources", "f", "props"}
	if diff := cmp.Diff([]string{"f"}, i.Resources); diff != "" {
		t.Error(diff)
	}
	if got := i.Value(append(props, "region")...); got != "cn-hangzhou" {
		t.Errorf("region = %v", got)
	}
	if got, written := i.Value(append(props, "list", "1")...), i.Written(append(props, "list", "1")...); got != "bbee" || written != `b${env("B")}` {
		t.Errorf("the list's second = %v, written %q", got, written)
	}
	for _, path := range [][]string{{"resources", "f", "props", "list", "2"}, {"name", "x"}, {"none"}} {
		if got := i.Value(path...); got != nil {
			t.Errorf("%q = %v", path, got)
		}
	}
	if line := i.Line(append(props, "role")...); line != 11 {
		t.Errorf("role stands in line %d", line)
	}
	if line := i.Line(append(props, "vpcConfig", "vpcId")...); line < 8 || line > 9 {
		t.Errorf("what is absent stands in line %d", line)
	}
	if diff := cmp.Diff([]string{"${env('ROLE')}"}, i.Unresolved(append(props, "role")...)); diff != "" {
		t.Error(diff)
	}
	if texts := i.Texts(); len(texts) < 9 || texts[0][0] != "edition" {
		t.Errorf("texts = %q", texts)
	}
	if _, err := Inspect(path+".none", environment(nil)); err == nil {
		t.Error("of a file that is not there: no error")
	}
}
