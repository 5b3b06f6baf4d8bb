//go:build npm

package doctor

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"feedstream/local/real"
)

// TestROS has the vendor's own classes judge each resource of template.yml, nested names and types included, and a
// template with a fault planted in it, whose fault they must name.
func TestROS(t *testing.T) {
	content, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	faults := map[string]struct{ was, is, want string }{
		"a property that is none":    {"      MemorySize: 1024\n", "      MemorySise: 1024\n", "MemorySise is no property"},
		"a nested one":               {"        EnableRequestMetrics: true\n", "        EnableRequestMetric: true\n", "EnableRequestMetric is no property"},
		"one deep in a list":         {"            Days: 1\n", "            Day: 1\n", "AbortMultipartUpload.Day is no property"},
		"a text for a number":        {"      Timeout: 60\n", "      Timeout: long\n", "should be a number"},
		"a nested text for a truth":  {"        EnableInstanceMetrics: true\n", "        EnableInstanceMetrics: often\n", "should be a boolean"},
		"a value out of range":       {"      InstanceConcurrency: 8\n", "      InstanceConcurrency: 800\n", "instanceConcurrency: 800 is larger"},
		"a value that is none":       {"      RedundancyType: ZRS\n", "      RedundancyType: XRS\n", "doesn't exist in"},
		"a property less":            {"      Runtime: custom.debian12\n", "", "runtime: required but missing"},
		"a nested one less":          {"        SavedsearchName: failed-pushes\n", "", "savedsearchName: required but missing"},
		"an unknown type":            {"    Type: ALIYUN::KAFKA::ConsumerGroup\n", "    Type: ALIYUN::KAFKA::Consumers\n", "has no class for"},
		"a reference to nothing":     {"        Ref: VpcCidr\n", "        Ref: VpcCider\n", "VpcCider, which is nothing"},
		"an attribute that is none":  {"- EnrichRole\n        - Arn\n", "- EnrichRole\n        - Urn\n", "no attribute Urn"},
		"a parameter that is unused": {"          Ref: HbaseZookeeper\n", "          Ref: KafkaBrokers\n", "nobody takes the parameter HbaseZookeeper"},
		"a name in a text":           {"${CodePrefix}${Commit}/query.zip", "${CodePrefix}${Comit}/query.zip", "Comit, which is nothing"},
		"a condition that is none":   {"    Condition: WithUser\n", "    Condition: WithoutUser\n", "WithoutUser, which is not declared"},
		"a dependence on nothing":    {"DependsOn: [FirstRefresh, ", "DependsOn: [SecondRefresh, ", "SecondRefresh, which is no resource"},
		"a default that is refused":  {"    Default: 10.20.0.0/16\n", "    Default: 10.20.0.0\n", "does not match its AllowedPattern"},
	}
	dir, paths := t.TempDir(), []string{templatePath}
	for name, f := range faults {
		broken := strings.ReplaceAll(string(content), f.was, f.is)
		if broken == string(content) {
			t.Fatalf("template.yml does not hold %q", f.was)
		}
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yml")
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	said := judge(t, paths)
	if own := said[templatePath]; len(own.Problems) > 0 || own.Resources == 0 {
		t.Errorf("template.yml, %d resources: %s", own.Resources, strings.Join(own.Problems, "\n"))
	}
	named := 0
	for name, f := range faults {
		problems := strings.Join(said[filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yml")].Problems, "\n")
		if !strings.Contains(problems, f.want) {
			t.Errorf("%s: %q, want %q", name, problems, f.want)
			continue
		}
		named++
	}
	t.Logf("template.yml: %d resources, %d problems; %d of %d planted faults named", said[templatePath].Resources, len(said[templatePath].Problems), named, len(faults))
}

type judgement struct {
	File      string
	Resources int
	Problems  []string
}

func judge(t *testing.T, paths []string) map[string]judgement {
	t.Helper()
	pinned, err := os.ReadFile("testdata/ros/package.json")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := real.NodeModules(t.Context(), "ros", pinned)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"testdata/ros/check.mjs", folder}, paths...)...)
	cmd.Stderr = t.Output()
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]judgement{}
	for line := range strings.Lines(string(output)) {
		var j judgement
		if err := json.Unmarshal([]byte(line), &j); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		said[j.File] = j
	}
	return said
}
