//go:build npm

package manifest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"feedstream/local/real"
)

var update = flag.Bool("update", false, "write the vendor's answers to "+answersFile)

// filled is what deploy.env gives who deploys s.yaml; values of one kind will do.
var filled = func() map[string]string {
	values := map[string]string{}
	for _, name := range strings.Fields(`FEED_ACCOUNT_ID FEED_ENRICH_ROLE FEED_REFRESH_ROLE FEED_QUERY_ROLE FEED_PUBLISH_ROLE FEED_LOG_PROJECT
		FEED_VPC_ID FEED_VSWITCH_ID FEED_VSWITCH_2_ID FEED_SECURITY_GROUP_ID FEED_KAFKA_INSTANCE KAFKA_BROKERS KAFKA_SASL_PASSWORD
		HBASE_ZOOKEEPER OSS_ENDPOINT MONGODB_URI`) {
		values[name] = "a$value of " + name
	}
	return values
}()

// TestVendor has the vendor's parser and the component's schema judge the tricky manifests, whose answers must be those
// that the reader is held to, and s.yaml, of which both must make the same.
func TestVendor(t *testing.T) {
	manifests, err := filepath.Glob(trickyFolder + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := ask(t, trickyEnvironment, manifests...)
	if *update {
		if err := os.WriteFile(answersFile, said, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(known, said) {
		t.Errorf("the vendor answers otherwise than %s says; see what changed with -update", answersFile)
	}
	var stricter []string
	for _, path := range manifests {
		if name := named(t, path); strings.HasPrefix(name, "The reader") {
			stricter = append(stricter, fmt.Sprintf("  %-28s %s", filepath.Base(path), name))
		}
	}
	t.Logf("%d tricky manifests; in %d the reader is stricter on purpose:\n%s", len(manifests), len(stricter), strings.Join(stricter, "\n"))

	const file = "../../../s.yaml"
	vendor := readAnswers(t, ask(t, filled, file))["s.yaml"]
	if found := difference(vendor, ours(t, file, filled)); found != "" || vendor.Refused != "" {
		t.Errorf("s.yaml: %s%s", found, vendor.Refused)
	}
	t.Logf("s.yaml: %d resources, valid by the component's schema and each trigger's own; 0 differences", len(vendor.Resources))
}

// ask has the vendor's code answer on manifests.
func ask(t *testing.T, environment map[string]string, manifests ...string) []byte {
	t.Helper()
	pinned, err := os.ReadFile("testdata/vendor/package.json")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := real.NodeModules(t.Context(), "manifest", pinned)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"testdata/vendor/answer.mjs", folder, "fc3-schema.json"}, manifests...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	return said
}
