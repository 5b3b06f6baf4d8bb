package target

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"feedstream/local/platform/manifest"
	"feedstream/shared/config"
	"feedstream/shared/feed"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A file that names services wrongly is refused with the file, the variable and the remedy.
func TestEnvironmentFilesRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing named":    {"FEED_REGION=cn-hangzhou\nKAFKA_BROKERS=\n", "names no service"},
		"unknown variable": {"KAFKA_BROKERS=127.0.0.1:9092\nKAFKA_BROKER=x\n", "KAFKA_BROKER names no service"},
		"bad broker":       {"KAFKA_BROKERS=broker\n", `"broker" is not host:port`},
		"user alone":       {"KAFKA_BROKERS=a:9092\nKAFKA_SASL_USERNAME=u\n", "KAFKA_SASL_MECHANISM is missing"},
		"no such line":     {"KAFKA_BROKERS\n", "services.env"},
		"nothing at all":   {"", "names no service"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "services.env")
			must(t, os.WriteFile(path, []byte(test.text), 0o600))
			if _, _, err := FromFile(path, manifestFile(t)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// What is missing to ask OSS is named to whoever needs OSS, and to nobody else; its region is that of the functions.
func TestOSSIsJudgedWhereItIsNeeded(t *testing.T) {
	key := KeyIDVariable + "=a\n" + SecretVariable + "=b\n"
	for name, test := range map[string]struct{ text, want, region string }{
		"whole":          {"OSS_REGION=x\nFEED_REGION=y\n" + key, "", "x"},
		"feed's region":  {"FEED_REGION=y\n" + key, "", "y"},
		"no region":      {key, "OSS_REGION", ""},
		"no key":         {"FEED_REGION=y\n", KeyIDVariable, "y"},
		"secret missing": {"FEED_REGION=y\n" + KeyIDVariable + "=a\n", SecretVariable, "y"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "services.env")
			must(t, os.WriteFile(path, []byte("KAFKA_BROKERS=a:9092\nOSS_ENDPOINT=http://127.0.0.1\n"+test.text), 0o600))
			found, _, err := FromFile(path, manifestFile(t))
			must(t, err)
			must(t, found.Needs(Kafka))
			_, objects := found.Objects()
			for _, err := range []error{found.Needs(OSS), objects} {
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("error = %v, want %q", err, test.want)
				}
			}
			if test.region != "" && found.OSS.Region != test.region {
				t.Errorf("region = %q", found.OSS.Region)
			}
			if !found.Has(OSS) {
				t.Error("OSS counts as not named")
			}
		})
	}
}

// manifestFile is a manifest whose bucket comes from the environment, without the functions' programs.
func manifestFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "code"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "code", "enrich"), nil, 0o755))
	path := filepath.Join(dir, "s.yaml")
	must(t, os.WriteFile(path, []byte(manifestText), 0o600))
	return path
}

const manifestText = `edition: 3.0.0
name: feedstream
access: default
resources:
  one:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: one
      runtime: custom.debian12
      code: ./code
      customRuntimeConfig:
        command: [/code/enrich]
        port: 9000
      environmentVariables:
        OSS_BUCKET: ${env('BUCKET_OF_MINE', 'default-bucket')}
        HBASE_TABLE: A.B
`

// What is laid over is what was meant, also for a function that runs in another folder.
func TestOverlayOfWhatPeopleWrite(t *testing.T) {
	_, root := selfSigned(t)
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("root.pem", root, 0o600))
	found, err := Parse(map[string]string{
		"KAFKA_BROKERS": "a:1, b:2,", "KAFKA_TLS": "true", "KAFKA_CA": "root.pem", "HBASE_ZOOKEEPER": " z:2181 , y:2181",
		"OSS_ENDPOINT": "h.example/", "OSS_REGION": "r", KeyIDVariable: "k", SecretVariable: "s",
	}, Names{Bucket: "feed", Prefix: "stock/"})
	must(t, err)
	overlay := found.Overlay()
	for name, want := range map[string]string{
		"KAFKA_BROKERS": "a:1,b:2", "HBASE_ZOOKEEPER": "z:2181,y:2181", "OSS_ENDPOINT": "https://h.example",
	} {
		if overlay[name] != want {
			t.Errorf("%s is laid over as %q, want %q", name, overlay[name], want)
		}
	}
	if path := overlay["KAFKA_CA"]; !filepath.IsAbs(path) || filepath.Base(path) != "root.pem" {
		t.Errorf("KAFKA_CA is laid over as %q", path)
	}
}

func TestFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "services.env")
	must(t, os.WriteFile(path, []byte("KAFKA_BROKERS=h:9092\nBUCKET_OF_MINE=mine\nHBASE_ZOOKEEPER_ROOT=/other\n"), 0o600))
	found, _, err := FromFile(path, manifestFile(t))
	must(t, err)
	if found.Names.Bucket != "mine" || found.Names.Table != "A.B" || found.Names.Topics.Output != "feed-records" {
		t.Errorf("names = %+v", found.Names)
	}
	overlay := found.Overlay()
	if overlay["KAFKA_BROKERS"] != "h:9092" || overlay["KAFKA_TLS"] != "false" {
		t.Errorf("overlay = %v", overlay)
	}
	if _, laid := overlay["HBASE_ZOOKEEPER_ROOT"]; laid {
		t.Errorf("what belongs to a service that is not named is laid over: %v", overlay)
	}
	if err := found.Needs(Kafka, MongoDB); err == nil || !strings.Contains(err.Error(), "MONGODB_URI is missing") {
		t.Errorf("error = %v", err)
	}
}

func TestFunctionsMustAgreeOnNames(t *testing.T) {
	function := func(program string, environment map[string]string) manifest.Function {
		return manifest.Function{Name: "my-" + program, Command: []string{"/code/" + program}, Environment: environment}
	}
	enrich := function("enrich", map[string]string{"HBASE_TABLE": "A.B", "REFERENCE_PREFIX": "stock"})
	enrich.Streams = []manifest.Stream{{Topic: "y", Group: "g"}}
	names, err := NamesOf(&manifest.Manifest{Path: "s.yaml", Functions: []manifest.Function{
		enrich, function("query", map[string]string{"HBASE_TABLE": " A.B ", "REFERENCE_PREFIX": "stock/"}),
	}})
	if err != nil || names.Table != "A.B" || names.Prefix != "stock/" {
		t.Errorf("names = %+v, %v", names, err)
	}
	_, err = NamesOf(&manifest.Manifest{Path: "s.yaml", Functions: []manifest.Function{
		enrich, function("query", nil), function("publish", map[string]string{"INPUT_TOPIC": "x"}),
	}})
	for _, want := range []string{
		"HBASE_TABLE is A.B for my-enrich and USER_TEST.STOCK for my-query", "INPUT_TOPIC is x, and the event stream reads y",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}

// What comes from the topic of samples is counted apart from the feed's records, so no feed reads it.
func TestTheTopicOfSamplesIsNoInputTopic(t *testing.T) {
	for _, f := range []manifest.Function{
		{Name: "e", Command: []string{"/code/enrich"}, Streams: []manifest.Stream{{Topic: feed.SampleTopic}}},
		{Name: "p", Command: []string{"/code/publish"}, Environment: map[string]string{"INPUT_TOPIC": feed.SampleTopic}},
	} {
		_, err := NamesOf(&manifest.Manifest{Path: "s.yaml", Functions: []manifest.Function{f}})
		if err == nil || !strings.Contains(err.Error(), "s.yaml: the input topic is feedstream.sample") {
			t.Errorf("function %s: error = %v", f.Name, err)
		}
	}
}

// Every variable by which the functions find a service is taken from a file, and laid over what s.yaml says.
func TestVariablesAreThoseOfTheFunctions(t *testing.T) {
	read, err := config.Variables(&struct {
		Kafka config.Kafka
		HBase config.HBase
		OSS   config.OSS
		Mongo config.Mongo
	}{})
	must(t, err)
	known := map[string]bool{}
	for _, s := range []Service{Kafka, HBase, OSS, MongoDB} {
		known[string(s)] = true
	}
	for _, v := range variables {
		known[v.name] = true
	}
	for _, name := range []string{ // what a manifest names
		"HBASE_TABLE", "HBASE_INDEX", "OSS_BUCKET", "REFERENCE_PREFIX", "MONGODB_DATABASE", "MONGODB_COLLECTION",
	} {
		known[name] = true
	}
	for _, v := range read {
		if !known[v.Name] {
			t.Errorf("%s of the functions is not known to the command", v.Name)
		}
		delete(known, v.Name)
	}
	for name := range known {
		t.Errorf("no function reads %s", name)
	}
}
