package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

type tree = map[string]any

// Template compares a Resource Orchestration Service template with the Serverless Devs manifest: whatever the manifest
// says about a function must stand there too. The template may say more, but for variables of a function and settings
// of its Kafka source: a ValueDataType there would change what the function is handed. What the manifest takes from the
// environment, the template may take from wherever it likes, but for a default, which has to be the same. The manifest
// has been checked already. A template that does not exist is nothing to look at.
func Template(manifestPath, templatePath string) []Finding {
	template, err := readTree(templatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	manifest, err2 := readTree(manifestPath)
	if err := errors.Join(err, err2); err != nil {
		return []Finding{bad("template", "correct it", "%s: %v", templatePath, err)}
	}
	parameters, _ := template["Parameters"].(tree)
	c := comparison{parameters: parameters}
	c.compare("Resources", expected(manifest), template["Resources"])
	c.hiddenSecrets()
	if len(c.differences) > 0 {
		return []Finding{bad("template", "write there what "+manifestPath+" says", "%s: %s", templatePath, strings.Join(c.differences, "; "))}
	}
	return []Finding{good("template", "%s says what %s says", templatePath, manifestPath)}
}

// readTree reads a YAML file, whether or not it begins with a byte order mark.
func readTree(path string) (found tree, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	err = yaml.Unmarshal(bytes.TrimPrefix(content, []byte("\ufeff")), &found)
	return found, err
}

// comparison lists where a template says something else than it should, by path.
type comparison struct {
	parameters  tree
	differences []string
}

func (c *comparison) differ(at string, got any, want string) {
	c.differences = append(c.differences, fmt.Sprintf("%s is %s, want %s", at, brief(got), want))
}

func (c *comparison) compare(at string, want, got any) {
	switch want := want.(type) {
	case outside:
		c.fromOutside(at, want, got)
	case tree:
		c.members(at, want, got)
	case []any:
		had, _ := got.([]any)
		if len(had) != len(want) {
			c.differ(at, got, brief(want))
			return
		}
		for i := range want {
			c.compare(fmt.Sprintf("%s.%d", at, i), want[i], had[i])
		}
	default:
		if !reflect.DeepEqual(want, got) {
			c.differ(at, got, brief(want))
		}
	}
}

func (c *comparison) members(at string, want tree, got any) {
	had, isTree := got.(tree)
	if !isTree {
		c.differ(at, got, brief(want))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c.compare(at+"."+name, want[name], had[name])
	}
	if !strings.HasSuffix(at, ".EnvironmentVariables") && !strings.HasSuffix(at, ".sourceKafkaParameters") {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(had)) {
		if _, both := want[name]; !both {
			c.differ(at+"."+name, had[name], brief(nil))
		}
	}
}

// fromOutside wants a reference or a function of the service where the manifest has a variable of who deploys.
func (c *comparison) fromOutside(at string, want outside, got any) {
	call, isTree := got.(tree)
	if !isTree || len(call) != 1 {
		c.differ(at, got, "a reference, for s.yaml takes it from "+want.variable)
		return
	}
	name, _ := call["Ref"].(string)
	parameter, isParameter := c.parameters[name].(tree)
	if !isParameter || !want.hasFallback {
		return
	}
	if fallback := parameter["Default"]; fallback != nil && !reflect.DeepEqual(fallback, want.fallback) {
		c.differ("Parameters."+name+".Default", fallback, brief(want.fallback))
	}
}

// secret are the parameters that the console of the service must not show.
var secret = regexp.MustCompile(`(?i)password|mongodburi|secret`)

func (c *comparison) hiddenSecrets() {
	for _, name := range slices.Sorted(maps.Keys(c.parameters)) {
		parameter, _ := c.parameters[name].(tree)
		if secret.MatchString(name) && parameter["NoEcho"] != true {
			c.differ("Parameters."+name+".NoEcho", parameter["NoEcho"], "true")
		}
	}
}

func brief(value any) string {
	if value == nil {
		return "absent"
	}
	text := fmt.Sprint(value)
	return text[:min(len(text), 120)]
}

// outside is a value that the manifest takes from the environment of who deploys.
type outside struct {
	variable    string
	fallback    string
	hasFallback bool
}

// expected are the resources that a manifest amounts to.
func expected(manifest tree) tree {
	resources := tree{}
	all, _ := manifest["resources"].(tree)
	for function, resource := range all {
		declared, _ := resource.(tree)
		props, _ := declared["props"].(tree)
		id := pascal(function)
		name := tree{"Fn::GetAtt": []any{id, "FunctionName"}}
		properties := tree{}
		for key, value := range props {
			switch key {
			case "region", "code": // the stack's, and zips in a bucket
			case "triggers":
				addTriggers(resources, id, name, value)
			case "concurrencyConfig":
				resources[id+"Concurrency"] = beside("ALIYUN::FC3::ConcurrencyConfig", name, value)
			case "asyncInvokeConfig":
				resources[id+"AsyncInvoke"] = beside("ALIYUN::FC3::AsyncInvokeConfig", name, value)
			case "environmentVariables":
				properties["EnvironmentVariables"] = translated(value)
			case "vpcConfig":
				vpc, _ := value.(tree)
				properties["VpcConfig"] = tree{
					"VpcId": translated(vpc["vpcId"]), "VSwitchIds": translated(vpc["vSwitchIds"]),
					"SecurityGroupId": translated(vpc["securityGroupId"]),
				}
			default:
				properties[initial(key)] = translated(capitalized(value))
			}
		}
		resources[id] = tree{"Type": "ALIYUN::FC3::Function", "Properties": properties}
	}
	return resources
}

// beside is a resource that configures a function.
func beside(kind string, function, value any) tree {
	properties, _ := capitalized(value).(tree)
	properties["FunctionName"] = function
	return tree{"Type": kind, "Properties": translated(properties)}
}

func addTriggers(resources tree, id string, function, triggers any) {
	list, _ := triggers.([]any)
	for i, each := range list {
		trigger, _ := each.(tree)
		properties := tree{
			"FunctionName": function, "TriggerName": trigger["triggerName"], "TriggerType": trigger["triggerType"],
			"TriggerConfig": translated(trigger["triggerConfig"]),
		}
		if qualifier, ok := trigger["qualifier"]; ok {
			properties["Qualifier"] = qualifier
		}
		resource := id + "Trigger"
		if i > 0 {
			resource += fmt.Sprint(i + 1)
		}
		resources[resource] = tree{"Type": "ALIYUN::FC3::Trigger", "Properties": properties}
	}
}

var (
	envAlone  = regexp.MustCompile(`^\$\{env\('([A-Z0-9_]+)'(?:, '([^']*)')?\)\}$`)
	envInside = regexp.MustCompile(`\$\{env\('[A-Z0-9_]+'\)\}`)
)

// translated is a value of the manifest as a template has to give it.
func translated(value any) any {
	switch value := value.(type) {
	case tree:
		out := tree{}
		for name, inner := range value {
			out[name] = translated(inner)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = translated(inner)
		}
		return out
	case string:
		if value == "${vars.region}" {
			return tree{"Ref": "ALIYUN::Region"}
		}
		if m := envAlone.FindStringSubmatch(value); m != nil {
			return outside{m[1], m[2], strings.Contains(value, ", '")}
		}
		if inside := envInside.FindAllString(value, -1); inside != nil {
			return outside{variable: strings.Join(inside, " and ")}
		}
	}
	return value
}

// pascal is the identifier of a function's resource: feed-enrich is FeedEnrich.
func pascal(words string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(words, "-") {
		name.WriteString(initial(word))
	}
	return name.String()
}

func initial(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// capitalized gives the members of a value the initials that the service wants.
func capitalized(value any) any {
	members, ok := value.(tree)
	if !ok {
		return value
	}
	out := tree{}
	for name, inner := range members {
		out[initial(name)] = capitalized(inner)
	}
	return out
}
