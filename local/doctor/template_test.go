package doctor

import (
	"os"
	"path/filepath"
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
		"one zone less": {"        - Ref: Vswitch2Id\n", "", "VSwitchIds"},
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
	for name, more := range map[string]string{
		"a resource":  "Resources:\n  FeedNetwork:\n    Type: ALIYUN::ECS::VPC",
		"an output":   "Outputs:\n  Url:\n    Value: x\nResources:",
		"a parameter": "Metadata: {}\nResources:",
	} {
		path := filepath.Join(t.TempDir(), "template.yml")
		grown := strings.Replace(string(content), "Resources:", more, 1)
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
