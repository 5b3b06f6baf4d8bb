package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"feedstream/shared/phoenix"
)

// What is written in more than one place, s.yaml, template.yml, the config structs and the tables of
// the README, is compared here.

type tree = map[string]any

func readYAML(t *testing.T, path string) tree {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	var document tree
	must(t, yaml.Unmarshal(content, &document))
	return document
}

// setting is one environment variable that a function reads.
type setting struct {
	fallback string
	required bool
}

// settings reads the env tags of a function's Config, following its fields into shared/config.
func settings(t *testing.T, function string) map[string]setting {
	t.Helper()
	structs := map[string]*ast.StructType{}
	for prefix, path := range map[string]string{"": "../functions/" + function + "/config.go", "config.": "../shared/config/groups.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[prefix+spec.Name.Name] = s
				}
			}
			return true
		})
	}
	found := map[string]setting{}
	var collect func(name string)
	collect = func(name string) {
		if structs[name] == nil {
			t.Fatalf("feed-%s: no struct %s", function, name)
		}
		for _, field := range structs[name].Fields.List {
			if field.Tag == nil {
				collect(typeName(field.Type))
				continue
			}
			text, err := strconv.Unquote(field.Tag.Value)
			must(t, err)
			tag := reflect.StructTag(text)
			variable, required := strings.CutSuffix(tag.Get("env"), ",required")
			found[variable] = setting{tag.Get("envDefault"), required}
		}
	}
	collect("Config")
	return found
}

func typeName(e ast.Expr) string {
	if selector, ok := e.(*ast.SelectorExpr); ok {
		return typeName(selector.X) + "." + selector.Sel.Name
	}
	return e.(*ast.Ident).Name
}

var functionNames = []string{"enrich", "refresh", "query", "publish"}

func props(manifest tree, function string) tree {
	return manifest["resources"].(tree)["feed-"+function].(tree)["props"].(tree)
}

// s.yaml sets nothing that a function does not read, and everything that it must have.
func TestManifestSetsWhatFunctionsRead(t *testing.T) {
	manifest := readYAML(t, "../s.yaml")
	for _, function := range functionNames {
		read := settings(t, function)
		set := props(manifest, function)["environmentVariables"].(tree)
		for name := range set {
			if _, ok := read[name]; !ok {
				t.Errorf("s.yaml sets %s of feed-%s, which does not read it", name, function)
			}
		}
		for name, s := range read {
			value, isSet := set[name]
			if s.required && !isSet {
				t.Errorf("s.yaml does not set %s, which feed-%s requires", name, function)
			}
			if text := fmt.Sprint(value); isSet && s.fallback != "" && !strings.Contains(text, "${") && text != s.fallback {
				t.Errorf("s.yaml sets %s of feed-%s to %s, the default is %s", name, function, text, s.fallback)
			}
		}
	}
}

var (
	envOnly  = regexp.MustCompile(`^\$\{env\('([A-Z_]+)'(?:, '([^']*)')?\)\}$`)
	envAny   = regexp.MustCompile(`\$\{env\('([A-Z_]+)'\)\}`)
	hidden   = []string{"KafkaSaslPassword", "MongodbUri"}
	byAnyone = []string{"CodeBucket", "CodePrefix"} // parameters of template.yml alone
)

// parameter is what template.yml calls a variable of who deploys.
func parameter(variable string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(variable, "FEED_"), "_") {
		name.WriteString(part[:1] + strings.ToLower(part[1:]))
	}
	return name.String()
}

// translated is a value of s.yaml as template.yml writes it; the parameters it needs go into needed.
func translated(value any, needed tree) any {
	switch value := value.(type) {
	case tree:
		out := tree{}
		for name, inner := range value {
			out[name] = translated(inner, needed)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = translated(inner, needed)
		}
		return out
	case string:
		if value == "${vars.region}" {
			return tree{"Ref": "ALIYUN::Region"}
		}
		if m := envOnly.FindStringSubmatch(value); m != nil {
			p := tree{"Type": "String"}
			if strings.Contains(value, ", '") {
				p["Default"] = m[2]
			}
			if slices.Contains(hidden, parameter(m[1])) {
				p["NoEcho"] = true
			}
			needed[parameter(m[1])] = p
			return tree{"Ref": parameter(m[1])}
		}
		if !strings.Contains(value, "${") {
			return value
		}
		text := strings.ReplaceAll(value, "${vars.region}", "${ALIYUN::Region}")
		text = strings.ReplaceAll(text, "${env('FEED_ACCOUNT_ID')}", "${ALIYUN::TenantId}")
		return tree{"Fn::Sub": envAny.ReplaceAllStringFunc(text, func(expression string) string {
			name := parameter(envAny.FindStringSubmatch(expression)[1])
			needed[name] = tree{"Type": "String"}
			return "${" + name + "}"
		})}
	}
	return value
}

// upper gives the members of a value the initials that ROS wants.
func upper(value any) any {
	members, ok := value.(tree)
	if !ok {
		return value
	}
	out := tree{}
	for name, inner := range members {
		out[strings.ToUpper(name[:1])+name[1:]] = upper(inner)
	}
	return out
}

func TestTemplateSaysWhatTheManifestSays(t *testing.T) {
	manifest, template := readYAML(t, "../s.yaml"), readYAML(t, "../template.yml")
	needed, resources := tree{}, tree{}
	for _, function := range functionNames {
		p := props(manifest, function)
		id := "Feed" + strings.ToUpper(function[:1]) + function[1:]
		name := tree{"Fn::GetAtt": []any{id, "FunctionName"}}
		properties := tree{
			"Handler": "index.handler",
			"Code":    tree{"OssBucketName": tree{"Ref": "CodeBucket"}, "OssObjectName": tree{"Fn::Sub": "${CodePrefix}" + function + ".zip"}},
		}
		for key, value := range p {
			switch key {
			case "region", "code", "triggers": // the stack's, above, below
			case "concurrencyConfig":
				resources[id+"Concurrency"] = tree{"Type": "ALIYUN::FC3::ConcurrencyConfig", "Properties": tree{
					"FunctionName": name, "ReservedConcurrency": value.(tree)["reservedConcurrency"],
				}}
			case "environmentVariables":
				properties["EnvironmentVariables"] = translated(value, needed)
			case "vpcConfig":
				vpc := value.(tree)
				properties["VpcConfig"] = tree{
					"VpcId": translated(vpc["vpcId"], needed), "VSwitchIds": translated(vpc["vSwitchIds"], needed),
					"SecurityGroupId": translated(vpc["securityGroupId"], needed),
				}
			default:
				properties[strings.ToUpper(key[:1])+key[1:]] = translated(upper(value), needed)
			}
		}
		resources[id] = tree{"Type": "ALIYUN::FC3::Function", "Properties": properties}
		trigger := p["triggers"].([]any)[0].(tree)
		of := tree{
			"FunctionName": name, "TriggerName": trigger["triggerName"], "TriggerType": trigger["triggerType"],
			"TriggerConfig": translated(trigger["triggerConfig"], needed),
		}
		if qualifier, ok := trigger["qualifier"]; ok {
			of["Qualifier"] = qualifier
		}
		resources[id+"Trigger"] = tree{"Type": "ALIYUN::FC3::Trigger", "Properties": of}
	}
	if diff := cmp.Diff(resources, template["Resources"]); diff != "" {
		t.Errorf("template.yml differs from what s.yaml says (-s.yaml +template.yml):\n%s", diff)
	}
	parameters := template["Parameters"].(tree)
	for _, name := range byAnyone {
		delete(parameters, name)
	}
	if diff := cmp.Diff(needed, parameters); diff != "" {
		t.Errorf("the parameters of template.yml differ (-needed +template.yml):\n%s", diff)
	}
}

// .env.example names what s.yaml takes from the environment, and nothing else.
func TestEnvExample(t *testing.T) {
	manifest, err := os.ReadFile("../s.yaml")
	must(t, err)
	example, err := os.ReadFile("../.env.example")
	must(t, err)
	taken := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{env\('([A-Z_]+)'`).FindAllStringSubmatch(string(manifest), -1) {
		taken[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=`).FindAllStringSubmatch(string(example), -1) {
		if !taken[m[1]] {
			t.Errorf(".env.example names %s, which s.yaml does not take", m[1])
		}
		delete(taken, m[1])
	}
	for name := range taken {
		t.Errorf(".env.example does not name %s", name)
	}
}

// The file that operators and the compose lane create the table with says what the layout check demands.
func TestTableFile(t *testing.T) {
	content, err := os.ReadFile("../shared/phoenix/stock.sql")
	must(t, err)
	statements := phoenix.TableDDL(hbaseTable) + ";\n" + phoenix.IndexDDL(hbaseTable, hbaseIndex) + ";\n"
	if comment, found := strings.CutSuffix(string(content), statements); !found || strings.Contains(comment, ";") {
		t.Errorf("stock.sql is\n%s\nwant a comment and\n%s", content, statements)
	}
}

// The README's tables hold every function and every variable with its default.
func TestReadmeTables(t *testing.T) {
	content, err := os.ReadFile("../README.md")
	must(t, err)
	readme := string(content)
	readers, defaults := map[string][]string{}, map[string]string{}
	for _, function := range functionNames {
		if !strings.Contains(readme, "| `feed-"+function+"` | `functions/"+function+"` |") {
			t.Errorf("the README's table lacks feed-%s", function)
		}
		for name, s := range settings(t, function) {
			if strings.HasPrefix(name, "FC_") {
				continue // the platform's
			}
			readers[name] = append(readers[name], function)
			switch {
			case s.required:
				defaults[name] = "required"
			case s.fallback == "":
				defaults[name] = "none"
			default:
				defaults[name] = "`" + s.fallback + "`"
			}
		}
	}
	for name, functions := range readers {
		row := fmt.Sprintf("| `%s` | %s | %s |", name, defaults[name], strings.Join(functions, ", "))
		if !strings.Contains(readme, row) {
			t.Errorf("the README lacks the row\n%s", row)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(readme, -1) {
		if readers[m[1]] == nil {
			t.Errorf("the README names %s, which no function reads", m[1])
		}
	}
}
