package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

type tree = map[string]any

// Template compares a Resource Orchestration Service template with the Serverless Devs manifest that
// it has to say the same as. The manifest has been checked already. A template that does not exist is
// nothing to look at.
func Template(manifestPath, templatePath string) []Finding {
	template, err := readTree(templatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	manifest, err2 := readTree(manifestPath)
	if err := errors.Join(err, err2); err != nil {
		return []Finding{bad("template", "correct it", "%s: %v", templatePath, err)}
	}
	wanted := expected(manifest)
	parameters, _ := template["Parameters"].(tree)
	for _, own := range []string{"CodeBucket", "CodePrefix"} {
		delete(parameters, own)
	}
	found := tree{"Resources": template["Resources"], "Parameters": parameters}
	differences := differ("", wanted, found)
	if len(differences) > 0 {
		return []Finding{bad("template", "write there what "+manifestPath+" says", "%s: %s", templatePath, strings.Join(differences, "; "))}
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

// differ lists where two documents differ, by path.
func differ(at string, want, got any) (differences []string) {
	wanted, isTree := want.(tree)
	had, alsoTree := got.(tree)
	if !isTree || !alsoTree {
		if !reflect.DeepEqual(want, got) {
			return []string{fmt.Sprintf("%s is %s, want %s", at, brief(got), brief(want))}
		}
		return nil
	}
	names := slices.Collect(maps.Keys(wanted))
	for name := range had {
		if _, both := wanted[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		differences = append(differences, differ(strings.TrimPrefix(at+"."+name, "."), wanted[name], had[name])...)
	}
	return differences
}

func brief(value any) string {
	if value == nil {
		return "absent"
	}
	text := fmt.Sprint(value)
	return text[:min(len(text), 120)]
}

// expected is the template that a manifest amounts to. The code comes from a bucket, whose name and
// prefix are parameters of the template's own.
func expected(manifest tree) tree {
	resources, parameters := tree{}, tree{}
	all, _ := manifest["resources"].(tree)
	for function, resource := range all {
		declared, _ := resource.(tree)
		props, _ := declared["props"].(tree)
		id := pascal(function, "-")
		name := tree{"Fn::GetAtt": []any{id, "FunctionName"}}
		properties := tree{"Handler": "index.handler"}
		for key, value := range props {
			switch key {
			case "region": // the stack's
			case "code":
				properties["Code"] = tree{
					"OssBucketName": tree{"Ref": "CodeBucket"},
					"OssObjectName": tree{"Fn::Sub": "${CodePrefix}" + path.Base(fmt.Sprint(value)) + ".zip"},
				}
			case "triggers":
				addTriggers(resources, id, name, value, parameters)
			case "concurrencyConfig":
				config, _ := value.(tree)
				resources[id+"Concurrency"] = tree{"Type": "ALIYUN::FC3::ConcurrencyConfig", "Properties": tree{
					"FunctionName": name, "ReservedConcurrency": config["reservedConcurrency"],
				}}
			case "environmentVariables":
				properties["EnvironmentVariables"] = translated(value, parameters)
			case "vpcConfig":
				vpc, _ := value.(tree)
				properties["VpcConfig"] = tree{
					"VpcId": translated(vpc["vpcId"], parameters), "VSwitchIds": translated(vpc["vSwitchIds"], parameters),
					"SecurityGroupId": translated(vpc["securityGroupId"], parameters),
				}
			default:
				properties[initial(key)] = translated(capitalized(value), parameters)
			}
		}
		resources[id] = tree{"Type": "ALIYUN::FC3::Function", "Properties": properties}
	}
	return tree{"Resources": resources, "Parameters": parameters}
}

func addTriggers(resources tree, id string, function tree, triggers any, parameters tree) {
	list, _ := triggers.([]any)
	for i, each := range list {
		trigger, _ := each.(tree)
		properties := tree{
			"FunctionName": function, "TriggerName": trigger["triggerName"], "TriggerType": trigger["triggerType"],
			"TriggerConfig": translated(trigger["triggerConfig"], parameters),
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
	envAlone  = regexp.MustCompile(`^\$\{env\('([A-Z_]+)'(?:, '([^']*)')?\)\}$`)
	envInside = regexp.MustCompile(`\$\{env\('([A-Z_]+)'\)\}`)
	// secrets are the parameters that the console of the service must not show.
	secrets = []string{"KafkaSaslPassword", "MongodbUri"}
)

// translated is a value of the manifest as a template writes it; the parameters that it takes are added.
func translated(value any, parameters tree) any {
	switch value := value.(type) {
	case tree:
		out := tree{}
		for name, inner := range value {
			out[name] = translated(inner, parameters)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = translated(inner, parameters)
		}
		return out
	case string:
		return translatedText(value, parameters)
	}
	return value
}

func translatedText(value string, parameters tree) any {
	if value == "${vars.region}" {
		return tree{"Ref": "ALIYUN::Region"}
	}
	if m := envAlone.FindStringSubmatch(value); m != nil {
		name := parameter(m[1])
		p := tree{"Type": "String"}
		if strings.Contains(value, ", '") {
			p["Default"] = m[2]
		}
		if slices.Contains(secrets, name) {
			p["NoEcho"] = true
		}
		parameters[name] = p
		return tree{"Ref": name}
	}
	if !strings.Contains(value, "${") {
		return value
	}
	text := strings.ReplaceAll(value, "${vars.region}", "${ALIYUN::Region}")
	text = strings.ReplaceAll(text, "${env('FEED_ACCOUNT_ID')}", "${ALIYUN::TenantId}")
	return tree{"Fn::Sub": envInside.ReplaceAllStringFunc(text, func(expression string) string {
		name := parameter(envInside.FindStringSubmatch(expression)[1])
		parameters[name] = tree{"Type": "String"}
		return "${" + name + "}"
	})}
}

// parameter is what the template calls a variable of who deploys: MONGODB_URI is MongodbUri.
func parameter(variable string) string {
	return pascal(strings.ToLower(strings.TrimPrefix(variable, "FEED_")), "_")
}

func pascal(words, separator string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(words, separator) {
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
