package doctor

import (
	"path/filepath"
	"testing"
)

// What is wrong with a deployment has its file and line, for people and for machines; the template is compared too.
func TestDeployment(t *testing.T) {
	nothing := func(string) (string, bool) { return "", false }
	findings := Deployment(manifestPath, nothing)
	unset := 0
	for _, f := range findings {
		if f.Check == "unset" {
			unset++
			if f.OK || f.File != manifestPath || f.Line < 2 || f.Remedy == "" {
				t.Errorf("%+v", f)
			}
		}
	}
	if last := findings[len(findings)-1]; unset < 10 || last.Check != "template" || !last.OK {
		t.Errorf("%d variables are unset; the last finding is %+v", unset, last)
	}
	if findings := Deployment(filepath.Join(t.TempDir(), "s.yaml"), nothing); len(findings) != 1 || findings[0].OK {
		t.Errorf("of a manifest that is not there: %+v", findings)
	}
}
