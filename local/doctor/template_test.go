package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"feedstream/shared/testkit"
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
		"values in base64": {"            sourceKafkaParameters:\n", "            sourceKafkaParameters:\n              ValueDataType: Binary\n",
			"ValueDataType is Binary, want absent"},
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

// The saved searches, charts and alarms of the template ask for members of the functions' log lines: the index has
// each, and the README names it, whose table the functions' own tests hold to what they log.
func TestTemplateAsksForWhatFunctionsLog(t *testing.T) {
	content := string(testkit.Must(os.ReadFile(templatePath))(t))
	logged := testkit.LineFields(t, "../../README.md", "push", "request", "refresh")
	indexed := map[string]bool{}
	_, members, _ := strings.Cut(content, "JsonKeyIndices:")
	members, _, _ = strings.Cut(members, "\n  #")
	for _, m := range regexp.MustCompile(`\{Name: ([\w.-]+), Type: \w+, EnableAnalytics: true\}`).FindAllStringSubmatch(members, -1) {
		indexed[m[1]] = true
		if name, _, _ := strings.Cut(m[1], "."); !slices.Contains(logged, name) {
			t.Errorf("the template's index has %s, which no function logs", m[1])
		}
	}
	asked := regexp.MustCompile(`\bmessage\.([\w.-]+)`).FindAllStringSubmatch(content, -1)
	for _, m := range asked {
		if !indexed[m[1]] {
			t.Errorf("the template asks for %s, which its index does not have", m[1])
		}
	}
	if len(asked) < 50 || len(indexed) < 40 {
		t.Errorf("the template asks %d times for members, and indexes %d: the patterns are broken", len(asked), len(indexed))
	}
}

// Whoever is called by an alarm finds it in the README.
func TestTheRunbookHasEveryAlarm(t *testing.T) {
	content := string(testkit.Must(os.ReadFile(templatePath))(t))
	readme := string(testkit.Must(os.ReadFile("../../README.md"))(t))
	alarms := regexp.MustCompile(`(?m)^        Name: (\S+)\n        DisplayName: .*\n        Type: Alert$|^      RuleName: (\S+)$`).FindAllStringSubmatch(content, -1)
	for _, m := range alarms {
		if name := m[1] + m[2]; !strings.Contains(readme, "\n| `"+name+"` |") {
			t.Errorf("the runbook has no row for the alarm %s", name)
		}
	}
	if len(alarms) < 10 {
		t.Errorf("%d alarms were found: the pattern is broken", len(alarms))
	}
}
