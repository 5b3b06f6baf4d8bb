package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const manifestPath, templatePath = "../../s.yaml", "../../template.yml"

func TestTheTemplateSaysWhatTheManifestSays(t *testing.T) {
	findings := Template(manifestPath, templatePath)
	if len(findings) != 1 || !findings[0].OK {
		t.Errorf("findings = %+v", findings)
	}
}

func TestTemplateWithAByteOrderMark(t *testing.T) {
	content, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "template.yml")
	if err := os.WriteFile(path, append([]byte("\ufeff"), content...), 0o600); err != nil {
		t.Fatal(err)
	}
	if findings := Template(manifestPath, path); len(findings) != 1 || !findings[0].OK {
		t.Errorf("findings = %+v", findings)
	}
}

func TestTemplateDifferences(t *testing.T) {
	content, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"another size":   {"MemorySize: 1024", "MemorySize: 512", "Resources.FeedEnrich.Properties.MemorySize is 512, want 1024"},
		"a setting less": {"        OUTPUT_TOPIC: feed-records\n", "", "OUTPUT_TOPIC is absent, want feed-records"},
		"one more":       {"OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: feed-records\n        EXTRA: x", "EXTRA is x, want absent"},
		"a shown secret": {"NoEcho: true", "NoEcho: false", "NoEcho is false, want true"},
		"a literal":      {"KAFKA_TLS:\n          Ref: KafkaTls", "KAFKA_TLS: 'true'", "KAFKA_TLS is true, want a reference, for s.yaml takes it from KAFKA_TLS"},
		"another default": {"  KafkaTls:\n    Type: String\n    Default: 'false'", "  KafkaTls:\n    Type: String\n    Default: 'true'",
			"Parameters.KafkaTls.Default is true, want false"},
		"one zone less": {"        - Fn::If: [NewNetwork, {Ref: Vswitch2}, {Ref: ExistingVswitch2Id}]\n", "", "VSwitchIds"},
		"no YAML":       {"Resources:", "Resources: [", "template.yml: "},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(string(content), test.old, test.new, 1)
			if broken == string(content) {
				t.Fatalf("template.yml does not hold %q", test.old)
			}
			path := filepath.Join(t.TempDir(), "template.yml")
			if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			findings := Template(manifestPath, path)
			if len(findings) != 1 || findings[0].OK || !strings.Contains(findings[0].Detail, test.want) || findings[0].Remedy == "" {
				t.Errorf("findings = %+v, want %q", findings, test.want)
			}
		})
	}
	for name, more := range map[string][2]string{
		"a resource":  {"Resources:\n", "Resources:\n  Another:\n    Type: ALIYUN::ECS::VPC\n"},
		"an output":   {"Outputs:\n", "Outputs:\n  Another:\n    Value: x\n"},
		"a parameter": {"Parameters:\n", "Parameters:\n  Another:\n    Type: String\n"},
	} {
		path := filepath.Join(t.TempDir(), "template.yml")
		grown := strings.Replace(string(content), "\n"+more[0], "\n"+more[1], 1)
		grown = strings.Replace(grown, "    Type: ALIYUN::FC3::Function\n", "    Type: ALIYUN::FC3::Function\n    DependsOn: Other\n", 1)
		if err := os.WriteFile(path, []byte(grown), 0o600); err != nil {
			t.Fatal(err)
		}
		if findings := Template(manifestPath, path); len(findings) != 1 || !findings[0].OK {
			t.Errorf("with %s more: %+v", name, findings)
		}
	}
	if findings := Template(manifestPath, filepath.Join(t.TempDir(), "template.yml")); findings != nil {
		t.Errorf("of a template that does not exist: %+v", findings)
	}
}

// The saved searches and alarms of the template ask for members of the functions' log lines: the index has each, and the
// functions write it.
func TestTemplateAsksForWhatFunctionsLog(t *testing.T) {
	content, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, pattern := range []string{"../../functions/*/*.go", "../../shared/fc/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	indexed := map[string]bool{"level": true, "msg": true} // of every line
	for _, m := range regexp.MustCompile(`\{Name: (\w+), Type: \w+, EnableAnalytics: true\}`).FindAllStringSubmatch(string(content), -1) {
		indexed[m[1]] = true
	}
	asked := regexp.MustCompile(`\bmessage\.(\w+)`).FindAllStringSubmatch(string(content), -1)
	for _, m := range asked {
		if !indexed[m[1]] {
			t.Errorf("the template asks for %s, which its index does not have", m[1])
		}
	}
	for name := range indexed {
		switch name {
		case "level", "msg", "functionName", "requestId", "instanceID", "qualifier": // of the logger and the platform
			continue
		}
		if quoted := `"` + name + `"`; !strings.Contains(sources.String(), quoted) && !strings.Contains(sources.String(), strings.TrimSuffix(quoted, `Ms"`)+`"`) {
			t.Errorf("the template's index has %s, which no function logs", name)
		}
	}
	if len(asked) < 10 || len(indexed) < 10 {
		t.Errorf("the template asks %d times for members, and indexes %d", len(asked), len(indexed))
	}
}
