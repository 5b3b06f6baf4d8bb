package rules

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The product's own manifest, its zips built and .env.example filled in, breaks no rule.
func TestOurOwnIsSilent(t *testing.T) {
	for _, p := range newWorld(t).check(t) {
		t.Errorf("line %d: %s: %s: %s", p.Line, p.Rule, p.What, p.Remedy)
	}
}

// With nothing filled in, every variable that must be is named, with its line.
func TestEveryUnsetVariableIsNamed(t *testing.T) {
	w := newWorld(t)
	w.env = nil
	named := map[string]bool{}
	for _, p := range w.check(t) {
		if p.Rule != "unset" || p.Line < 2 || p.Remedy == "" {
			t.Errorf("%+v", p)
		}
		name, _, _ := strings.Cut(p.What, " ")
		named[name] = true
	}
	for _, m := range taken.FindAllStringSubmatch(w.manifest, -1) {
		if m[2] == "" && !strings.Contains(m[0], ",") && !named[m[1]] {
			t.Errorf("%s is not named", m[1])
		}
	}
}

// fault is one planted in the product's own deployment, and the rule that must name it.
type fault struct {
	name, rule string
	plant      func(*testing.T, *world)
}

// edit plants a fault in the manifest: all of old become new.
func edit(old, new string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		planted := strings.ReplaceAll(w.manifest, old, new)
		if planted == w.manifest {
			t.Fatalf("s.yaml does not hold %q", old)
		}
		w.manifest = planted
	}
}

// cut takes a block out of the manifest: the first line that begins with this, and what is indented below it.
func cut(line string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		var out []string
		depth, done := -1, false
		for each := range strings.SplitSeq(w.manifest, "\n") {
			indent := len(each) - len(strings.TrimLeft(each, " "))
			if depth >= 0 && (indent > depth || strings.TrimSpace(each) == "") {
				continue
			}
			depth = -1
			if !done && strings.HasPrefix(strings.TrimSpace(each), line) {
				depth, done = indent, true
				continue
			}
			out = append(out, each)
		}
		if !done {
			t.Fatalf("s.yaml has no line %q", line)
		}
		w.manifest = strings.Join(out, "\n")
	}
}

func set(name, value string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if _, there := w.env[name]; !there {
			t.Fatalf(".env.example does not name %s", name)
		}
		w.env[name] = value
	}
}

func unsetVariable(name string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { delete(w.env, name) }
}

func archive(entry string, mode os.FileMode, content []byte) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { w.zip(t, "bin/zip/enrich.zip", entry, mode, content) }
}

func firstRole(w *world) string {
	for _, m := range taken.FindAllStringSubmatch(w.manifest, -1) {
		if strings.Contains(m[1], "ROLE") {
			return m[1]
		}
	}
	return ""
}

var faults = slices.Concat(faultsOfVariables, faultsOfTriggers, faultsOfFunctions, faultsOfTheNetwork, faultsOfNames, faultsOfCode, faultsOfForm)

var faultsOfVariables = []fault{
	{"no variable set", "unset", func(_ *testing.T, w *world) { w.env = nil }},
	{"role unset", "unset", func(_ *testing.T, w *world) { delete(w.env, firstRole(w)) }},
	{"role empty", "unset", func(_ *testing.T, w *world) { w.env[firstRole(w)] = "" }},
	{"KAFKA_BROKERS unset", "unset", unsetVariable("KAFKA_BROKERS")},
	{"KAFKA_BROKERS empty", "unset", set("KAFKA_BROKERS", "")},
	{"FEED_VPC_ID empty", "unset", set("FEED_VPC_ID", "")},
	{"OSS_BUCKET empty", "empty", set("OSS_BUCKET", "")},
	{"${ in a password", "evaluated", set("KAFKA_SASL_PASSWORD", "a${1+1}b")},
	{"<% in an address", "evaluated", set("MONGODB_URI", "mongodb://h/<%x%>")},
	{"a value that nobody has", Manifest, edit("OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: ${resources.feed-refresh.output.url}")},
	{"a file's content", Manifest, edit("LOG_LEVEL: INFO", "LOG_LEVEL: ${file('./level.txt')}")},
	{"LISTEN_HOST 127.0.0.1", "listen-host", edit("        OUTPUT_TOPIC", "        LISTEN_HOST: 127.0.0.1\n        OUTPUT_TOPIC")},
	{"a variable that the code does not read", "unread", edit("        QUARANTINE_TOPIC: ", "        QUARANTINE_TOPICS: ")},
	{"a required variable absent", "required", cut("HBASE_ZOOKEEPER:")},
	{"a duration without a unit", "refused", edit("REFERENCE_CHECK_INTERVAL: 30s", "REFERENCE_CHECK_INTERVAL: thirty")},
	{"a level that is none", "refused", edit("LOG_LEVEL: INFO", "LOG_LEVEL: LOUD")},
	{"a policy that is none", "refused", edit("REFERENCE_STALE_POLICY: serve", "REFERENCE_STALE_POLICY: perhaps")},
	{"a broker without a port", "refused", set("KAFKA_BROKERS", "kafka")},
	{"a mechanism without a password", "refused", set("KAFKA_SASL_MECHANISM", "PLAIN")},
	{"a certificate of this machine", "certificate-path", func(_ *testing.T, w *world) {
		w.env["KAFKA_TLS"], w.env["KAFKA_CA"] = "true", "/etc/ssl/root.pem"
	}},
	{"a password in clear", "secret-in-clear", edit("KAFKA_SASL_PASSWORD: ${env('KAFKA_SASL_PASSWORD', '')}", "KAFKA_SASL_PASSWORD: hush")},
	{"a password as a default", "secret-in-clear", edit("${env('KAFKA_SASL_PASSWORD', '')}", "${env('KAFKA_SASL_PASSWORD', 'hush')}")},
	{"a password in the vars", "secret-in-clear", func(t *testing.T, w *world) {
		edit("vars:\n", "vars:\n  pw: {kafka: hush}\n")(t, w)
		edit("${env('KAFKA_SASL_PASSWORD', '')}", "${vars.pw.kafka}")(t, w)
	}},
	{"a password as a default in the vars", "secret-in-clear", func(t *testing.T, w *world) {
		edit("vars:\n", "vars:\n  pw: ${env('KAFKA_SASL_PASSWORD', 'hush')}\n")(t, w)
		edit("${env('KAFKA_SASL_PASSWORD', '')}", "${vars.pw}")(t, w)
	}},
	{"an address with a password in clear", "secret-in-clear", edit("MONGODB_URI: ${env('MONGODB_URI')}", "MONGODB_URI: mongodb://u:hush@h/a")},
	{"anonymous", "anonymous", edit("authType: function", "authType: anonymous")},
}

var faultsOfTriggers = []fault{
	{"BACKOFF_RETRY", "retry-mode", edit("PushRetryStrategy: EXPONENTIAL_DECAY_RETRY", "PushRetryStrategy: BACKOFF_RETRY")},
	{"no retry strategy", "retry-mode", cut("retryStrategy:")},
	{"no dead-letter queue", "dead-letter-missing", cut("deadLetterQueue:")},
	{"dead letters into the input", "dead-letter-loop", edit("/topic/feed-deadletter", "/topic/feed-updates")},
	{"dead letters in another region", "dead-letter-region", edit("acs:alikafka:${vars.region}:", "acs:alikafka:cn-beijing:")},
	{"dead letters in another instance", "dead-letter-instance", edit("instance/${env('FEED_KAFKA_INSTANCE')}/", "instance/alikafka_other/")},
	{"NONE without a queue", "tolerance", func(t *testing.T, w *world) {
		cut("deadLetterQueue:")(t, w)
		edit("errorsTolerance: ALL", "errorsTolerance: NONE")(t, w)
	}},
	{"NONE with a queue", Manifest, edit("errorsTolerance: ALL", "errorsTolerance: NONE")},
	{"OffsetReset latest", "offset-reset", edit("OffsetReset: earliest", "OffsetReset: latest")},
	{"OffsetReset absent", "offset-reset", cut("OffsetReset:")},
	{"a trigger after the stream", "trigger-order", edit("                  Network: Default\n",
		"                  Network: Default\n        - triggerName: extra\n          triggerType: timer\n          triggerConfig: {cronExpression: '@every 1h', enable: true}\n")},
	{"the instance in another region", "stream-region", edit("RegionId: ${vars.region}", "RegionId: cn-beijing")},
	{"400 tasks", "tasks", edit("maximumTasks: 4", "maximumTasks: 400")},
	{"the stream switched off", "stream-off", edit("triggerEnable: true", "triggerEnable: false")},
	{"the timer switched off", "timer-off", edit("            enable: true", "            enable: false")},
	{"no timer", "refresh-missing", edit("triggerType: timer", "triggerType: http")},
	{"no batches", "batch-window", edit("CountBasedWindow: 1000", "CountBasedWindow: 1")},
	{"a stream that exists", "stream-shared", edit("          qualifier: LATEST\n", "          qualifier: LATEST\n          sourceArn: acs:eventbridge:cn-hangzhou:1:eventstreaming/x\n")},
	{"two streams of one group", "group-shared", edit("        - triggerName: every-five-minutes\n", sameStream+"        - triggerName: every-five-minutes\n")},
	{"asynchronous pushes", Manifest, edit("asyncInvocationType: false", "asyncInvocationType: true")},
	{"301 pushes at a time", Manifest, edit("                concurrency: 4", "                concurrency: 301")},
	{"10001 records a push", Manifest, edit("CountBasedWindow: 1000", "CountBasedWindow: 10001")},
	{"a window of 16 s", Manifest, edit("TimeBasedWindow: 1", "TimeBasedWindow: 16")},
	{"another mode", Manifest, edit("mode: event-streaming", "mode: event-driven")},
	{"a queue's address misspelt", Manifest, edit("acs:alikafka:${vars.region}", "acs:kafka:${vars.region}")},
	{"a cron that is none", Manifest, edit("'@every 5m'", "'@every five'")},
	{"tolerance misspelt", Manifest, edit("errorsTolerance: ALL", "errorsTolerance: SOME")},
	{"window in lower case", Manifest, edit("CountBasedWindow", "countBasedWindow")},
	{"values in base64", Manifest, edit("                  Network: Default\n", "                  Network: Default\n                  ValueDataType: Binary\n")},
	{"another kind of source", Manifest, edit("eventSourceType: Kafka", "eventSourceType: RocketMQ")},
	{"an invocation as the component's hook", "hook-event", edit("- run: s feed-refresh invoke", "- component: fc3 invoke")},
	{"hooks side by side", Manifest, edit("    - [feed-refresh]\n    - [feed-enrich]", "    - [feed-refresh, feed-enrich]")},
	{"runOptions misspelt", Manifest, edit("runOptions:", "runOption:")},
}

const sameStream = `        - triggerName: second
          triggerType: eventbridge
          triggerConfig:
            triggerEnable: true
            asyncInvocationType: false
            eventRuleFilterPattern: '{}'
            eventSinkConfig: {deliveryOption: {mode: event-streaming}}
            runOptions: {mode: event-streaming}
            eventSourceConfig:
              eventSourceType: Kafka
              eventSourceParameters: {sourceKafkaParameters: {InstanceId: i, Topic: t, ConsumerGroup: feed-enrich}}
`

var faultsOfFunctions = []fault{
	{"port 8080", "port", edit("port: 9000", "port: 8080")},
	{"no initializer", "initializer", cut("initializer:")},
	{"no pre-stop", "pre-stop", cut("preStop:")},
	{"pre-stop of 3 s", "pre-stop", edit("          handler: pre-stop\n          timeout: 60", "          handler: pre-stop\n          timeout: 3")},
	{"no reserved concurrency", "reserved-concurrency", edit("        reservedConcurrency: 1\n", "        reservedConcurrency: 300\n")},
	{"two refreshes at a time", "reserved-concurrency", edit("        reservedConcurrency: 1\n", "        reservedConcurrency: 2\n")},
	{"no bound on instances", "instance-cap", edit("      concurrencyConfig:\n        reservedConcurrency: 10\n", "")},
	{"no instance concurrency", "instance-concurrency", edit("      instanceConcurrency: 8\n", "")},
	{"no instance concurrency written", "sizes-written", edit("      instanceConcurrency: 20\n", "")},
	{"no timeout", "timeout", edit("      timeout: 60\n      # One", "      # One")},
	{"no memory written", "sizes-written", cut("memorySize:")},
	{"128 MB", "memory", edit("cpu: 0.35\n      memorySize: 512", "cpu: 0.1\n      memorySize: 128")},
	{"pushes that memory does not hold", "memory-of-pushes", func(t *testing.T, w *world) {
		edit("CountBasedWindow: 1000", "CountBasedWindow: 10000")(t, w)
		edit("instanceConcurrency: 8", "instanceConcurrency: 200")(t, w)
		edit("                concurrency: 4", "                concurrency: 200")(t, w)
	}},
	{"no logs", "logs", cut("logConfig:")},
	{"no metrics", "logs", edit("enableRequestMetrics: true", "enableRequestMetrics: false")},
	{"a timeout over 5 minutes behind a stream", Manifest, edit("      timeout: 60\n      # One", "      timeout: 301\n      # One")},
	{"an initializer of 301 s", Manifest, edit("          handler: initialize\n          timeout: 30", "          handler: initialize\n          timeout: 301")},
	{"a pre-stop of 91 s", Manifest, edit("          handler: pre-stop\n          timeout: 60", "          handler: pre-stop\n          timeout: 91")},
	{"201 requests an instance", Manifest, edit("instanceConcurrency: 8", "instanceConcurrency: 201")},
	{"301 instances", Manifest, edit("        reservedConcurrency: 1\n", "        reservedConcurrency: 301\n")},
	{"runtime go1", Manifest, edit("runtime: custom.debian12", "runtime: go1")},
	{"memory and processor out of proportion", Manifest, edit("memorySize: 1024", "memorySize: 8192")},
	{"memory no multiple of 64", Manifest, edit("memorySize: 1024", "memorySize: 1000")},
	{"a disk of 1 GB", Manifest, edit("diskSize: 512", "diskSize: 1024")},
	{"memorySize misspelt", Manifest, edit("memorySize: 1024", "memmorySize: 1024")},
}

var faultsOfTheNetwork = []fault{
	{"no VPC", "vpc", cut("securityGroupId:")},
	{"no role", "role", cut("role:")},
	{"a role with capitals", "role-form", func(_ *testing.T, w *world) { w.env[firstRole(w)] = "acs:ram::1649015465571234:role/FeedStream" }},
	{"a role that is none", "role-form", func(_ *testing.T, w *world) { w.env[firstRole(w)] = "feedstream" }},
	{"internet not decided", "internet-access", cut("internetAccess:")},
	{"OSS without TLS", "endpoint-https", set("OSS_ENDPOINT", "http://oss-cn-hangzhou-internal.aliyuncs.com")},
	{"OSS over the internet", "endpoint-internal", set("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")},
	{"OSS in another region", "endpoint-region", set("OSS_ENDPOINT", "https://oss-cn-beijing-internal.aliyuncs.com")},
	{"brokers of another instance", "broker-instance", set("KAFKA_BROKERS", "alikafka-post-cn-other-1-vpc.alikafka.aliyuncs.com:9092")},
	{"public brokers", "broker-internal", set("KAFKA_BROKERS", "alikafka-post-cn-i7m2t7t1x000-1.alikafka.aliyuncs.com:9093")},
	{"another OSS_REGION", "region", edit("OSS_REGION: ${vars.region}", "OSS_REGION: cn-beijing")},
}

var faultsOfNames = []fault{
	{"output topic misspelt", "name-misspelt", edit("OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: feed-recrods")},
	{"dead-letter topic misspelt", "name-misspelt", edit("/topic/feed-deadletter", "/topic/Feed-DeadLetter")},
	{"output equal to the input", "topics-equal", edit("OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: feed-updates")},
	{"quarantine equal to the output", "topics-equal", edit("QUARANTINE_TOPIC: feed-quarantine", "QUARANTINE_TOPIC: feed-records")},
	{"the topic of samples as the input", "topic-input", func(_ *testing.T, w *world) {
		w.manifest = strings.ReplaceAll(w.manifest, ": feed-updates", ": feedstream.sample")
	}},
	{"published elsewhere", "topic-input", edit("INPUT_TOPIC: feed-updates", "INPUT_TOPIC: ticks")},
	{"another table for the query", "names-differ", func(_ *testing.T, w *world) {
		i := strings.LastIndex(w.manifest, "HBASE_TABLE: USER_TEST.STOCK")
		w.manifest = w.manifest[:i] + "HBASE_TABLE: OTHER.STOCK" + w.manifest[i+len("HBASE_TABLE: USER_TEST.STOCK"):]
	}},
	{"the component without its version", "component-version", edit("component: fc3@0.1.22", "component: fc3")},
	{"no order of deployment", "deploy-order", cut("flow:")},
	{"no build before a deploy", "deploy-build", cut("pre-deploy:")},
	{"a build before a removal", "deploy-build", edit("  pre-deploy:", "  pre-remove:")},
}

var faultsOfCode = []fault{
	{"no zip", "code-missing", func(t *testing.T, w *world) {
		if err := os.Remove(filepath.Join(filepath.Dir(w.path), "bin/zip/enrich.zip")); err != nil {
			t.Fatal(err)
		}
	}},
	{"a zip that is none", "code-missing", func(t *testing.T, w *world) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(w.path), "bin/zip/enrich.zip"), []byte("PK"), 0o600); err != nil {
			t.Fatal(err)
		}
	}},
	{"program in a folder of the zip", "code-entry", archive("bin/enrich", 0o755, program(elf.EM_X86_64, false))},
	{"not executable", "code-mode", archive("enrich", 0o644, program(elf.EM_X86_64, false))},
	{"for macOS", "code-program", archive("enrich", 0o755, []byte("\xcf\xfa\xed\xfe........"))},
	{"for Windows", "code-program", archive("enrich", 0o755, []byte("MZ......"))},
	{"for arm64", "code-program", archive("enrich", 0o755, program(elf.EM_AARCH64, false))},
	{"not static", "code-program", archive("enrich", 0o755, program(elf.EM_X86_64, true))},
	{"empty", "code-program", archive("enrich", 0o755, nil)},
	{"a zip of 101 MB", "code-size", func(t *testing.T, w *world) { w.pad(t, "bin/zip/enrich.zip", 101<<20) }},
}

var faultsOfForm = []fault{
	{"an unknown component", Manifest, edit("component: fc3@0.1.22", "component: fc2")},
	{"a variable of the platform", Manifest, edit("        OUTPUT_TOPIC", "        FC_SERVER_PORT: '9001'\n        OUTPUT_TOPIC")},
	{"more than 4 KB of variables", Manifest, set("KAFKA_SASL_USERNAME", strings.Repeat("u", 5000))},
	{"a function twice", Manifest, edit("functionName: feed-query", "functionName: feed-publish")},
	{"no edition", Manifest, cut("edition:")},
	{"a key twice", Manifest, edit("name: feedstream\n", "name: feedstream\nname: feedstream\n")},
	{"an unknown variable", Manifest, edit("region: ${vars.region}", "region: ${vars.regoin}")},
}

// Each planted fault is named by its rule, with a line and a remedy; each rule names one.
func TestPlantedFaults(t *testing.T) {
	tried := map[string]bool{}
	var silent []string
	for _, f := range faults {
		w := newWorld(t)
		f.plant(t, w)
		found := w.check(t)
		tried[f.rule] = true
		i := slices.IndexFunc(found, func(p Problem) bool { return p.Rule == f.rule })
		if i < 0 {
			silent = append(silent, f.name)
			t.Errorf("%s: %s does not name it; found %+v", f.name, f.rule, found)
			continue
		}
		for _, p := range found {
			if p.Line < 1 || p.What == "" || p.Remedy == "" || strings.Contains(p.What+p.Remedy, "hush") {
				t.Errorf("%s: %+v", f.name, p)
			}
		}
		t.Logf("%-20s %s: line %d: %s", f.rule, f.name, found[i].Line, found[i].What)
	}
	for _, name := range Names() {
		if !tried[name] {
			t.Errorf("no fault is planted for the rule %s", name)
		}
	}
	t.Logf("%d faults planted, %d named", len(faults), len(faults)-len(silent))
}

// ownFunction is one that has nothing to do with the feed.
const ownFunction = `  report:
    component: fc3@0.1.22
    props:
      region: ${vars.region}
      functionName: report
      runtime: custom.debian12
      code: ./own.zip
      cpu: 0.35
      memorySize: 512
      diskSize: 512
      timeout: 10
      instanceConcurrency: 1
      internetAccess: false
`

// What the deploy tool accepts is accepted.
func TestAccepted(t *testing.T) {
	for name, plant := range map[string]func(*testing.T, *world){
		"a component's version":    edit("component: fc3@0.1.22", "component: fc3@0.1.23"),
		"code that is a zip":       edit("code: ./bin/zip/enrich.zip", "code: bin/zip/enrich.zip"),
		"a number with a default":  edit("      timeout: 60\n      # One", "      timeout: ${env('T', 60)}\n      # One"),
		"another resource's value": edit("LOG_LEVEL: INFO\n      triggers:\n        # Keep", "LOG_LEVEL: ${resources.feed-query.props.environmentVariables.LOG_LEVEL}\n      triggers:\n        # Keep"),
		"names of another feed":    edit("OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: quotes-enriched"),
		"a topic beside the usual": edit("OUTPUT_TOPIC: feed-records", "OUTPUT_TOPIC: feed-records2"),
		"a group beside the usual": edit("ConsumerGroup: feed-enrich", "ConsumerGroup: feed-enrich2"),
		"a collection in plural":   edit("MONGODB_COLLECTION: stock", "MONGODB_COLLECTION: stocks"),
		"a prefix without slash":   edit("REFERENCE_PREFIX: stock/", "REFERENCE_PREFIX: stock"),
		"brokers of one's own":     set("KAFKA_BROKERS", "kafka-1.example.com:9092"),
		"a password by the vars": func(t *testing.T, w *world) {
			edit("vars:\n", "vars:\n  pw: ${env('KAFKA_SASL_PASSWORD', '')}\n")(t, w)
			edit("KAFKA_SASL_PASSWORD: ${env('KAFKA_SASL_PASSWORD', '')}", "KAFKA_SASL_PASSWORD: ${vars.pw}")(t, w)
		},
		"a script of one's own": func(t *testing.T, w *world) {
			w.zip(t, "own.zip", "bootstrap", 0o755, []byte("#!/bin/sh\n"))
			edit("\nresources:\n", "\nresources:\n"+ownFunction)(t, w)
			edit("[feed-query, feed-publish]", "[feed-query, feed-publish, report]")(t, w)
		},
	} {
		w := newWorld(t)
		plant(t, w)
		for _, p := range w.check(t) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
