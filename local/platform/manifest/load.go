package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Load reads the manifest at path. What is wrong with it comes back as an *Error. The binaries of its functions need
// not be there: see CheckBinaries.
func Load(path string) (*Manifest, error) { return LoadIn(path, os.LookupEnv) }

// LoadIn is Load in another environment: env gives ${env(...)} its values.
func LoadIn(path string, env func(string) (string, bool)) (*Manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return Parse(path, data, env)
}

// Parse is Load on bytes already read. Path names the file in errors, and code folders are relative to its directory.
// Env gives ${env(...)} its values.
func Parse(path string, data []byte, env func(string) (string, bool)) (*Manifest, error) {
	r, err := readManifest(path, data, env)
	if err != nil {
		return nil, err
	}
	if err := asError(path, r.problems); err != nil {
		return nil, err
	}
	return r.manifest, nil
}

// readManifest reads as much as it can; what is wrong stands in the reader's problems.
func readManifest(path string, data []byte, env func(string) (string, bool)) (*reader, error) {
	d := parse(bytes.TrimPrefix(data, []byte("\ufeff")), env) // a byte order mark is no part of YAML text
	directory, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("find the folder of manifest %s: %w", path, err)
	}
	s, err := newSchemas()
	if err != nil {
		return nil, err
	}
	r := &reader{document: d, schemas: s, directory: directory, names: map[string]position{}, manifest: &Manifest{Path: path}}
	if d.root == nil {
		if len(d.problems) == 0 {
			d.report(position{1, 1}, "the file is empty: write edition, name and resources")
		}
		return r, nil
	}
	return r, r.read()
}

// reader turns a document into a manifest, reporting problems to the document.
type reader struct {
	*document
	schemas   *schemas
	directory string
	names     map[string]position // functions seen
	manifest  *Manifest
}

func (r *reader) read() error {
	if err := r.schemas.check(r.document, "Top", nil, r.root); err != nil {
		return err
	}
	top, _ := r.root.(map[string]any)
	r.manifest.Name, _ = top["name"].(string)
	resources, _ := top["resources"].(map[string]any)
	for _, id := range r.inOrder("resources", resources) {
		resource, _ := resources[id].(map[string]any)
		component, isText := resource["component"].(string)
		if isText && !component3.MatchString(component) {
			r.report(r.at([]string{"resources", id, "component"}), "component is %q: write fc3, or fc3@ and a version", component)
		}
		props, ok := resource["props"].(map[string]any)
		if !ok {
			continue
		}
		if err := r.function([]string{"resources", id, "props"}, props); err != nil {
			return err
		}
	}
	r.flow(top, resources)
	return nil
}

// component3 is the one component that the reader knows, at any version or at the registry's newest.
var component3 = regexp.MustCompile(`^fc3(@[0-9]+\.[0-9]+\.[0-9]+)?$`)

// flow checks the order that the file gives to a command: the deploy tool carries out what stands there and nothing
// else, so a resource that is left out would never be deployed.
func (r *reader) flow(top, resources map[string]any) {
	commands, _ := top["flow"].(map[string]any)
	for command, steps := range commands {
		path, named := []string{"flow", command}, map[string]bool{}
		list, _ := steps.([]any)
		for i, step := range list {
			together, _ := step.([]any)
			for j, each := range together {
				at, id := r.at(below(path, strconv.Itoa(i), strconv.Itoa(j))), fmt.Sprint(each)
				if _, known := resources[id]; !known {
					r.report(at, "flow %s names %q, which is no resource: known are %s", command, id,
						strings.Join(r.inOrder("resources", resources), ", "))
				}
				if named[id] {
					r.report(at, "flow %s names %q twice: keep one", command, id)
				}
				if len(together) > 1 && member(resources[id], "actions") != nil {
					r.report(at, "flow %s runs %q, which has actions, beside others: of resources in one step the deploy tool "+
						"carries out the actions of one only, give it a step of its own", command, id)
				}
				named[id] = true
			}
		}
		for _, id := range r.inOrder("resources", resources) {
			if !named[id] {
				r.report(r.at(path), "flow %s leaves out %q, which would not be reached: add it", command, id)
			}
		}
	}
}

// inOrder lists the members of a top-level mapping as they stand in the file.
func (r *reader) inOrder(name string, members map[string]any) []string {
	return slices.SortedFunc(maps.Keys(members), func(a, b string) int {
		p, q := r.keys[key([]string{name, a})], r.keys[key([]string{name, b})]
		return cmp.Or(p.line-q.line, p.column-q.column, cmp.Compare(a, b))
	})
}

// props are the properties of a function that matter here; the others are checked and then left alone.
type props struct {
	FunctionName          string            `json:"functionName"`
	Region                string            `json:"region"`
	Description           string            `json:"description"`
	Runtime               string            `json:"runtime"`
	Handler               string            `json:"handler"`
	Role                  string            `json:"role"`
	Code                  string            `json:"code"`
	CPU                   float64           `json:"cpu"`
	MemorySize            int               `json:"memorySize"`
	Timeout               int               `json:"timeout"`
	InstanceConcurrency   int               `json:"instanceConcurrency"`
	EnvironmentVariables  map[string]string `json:"environmentVariables"`
	CustomRuntimeConfig   runtimeConfig     `json:"customRuntimeConfig"`
	InstanceLifecycle     lifecycle         `json:"instanceLifecycleConfig"`
	ConcurrencyConfig     concurrencyConfig `json:"concurrencyConfig"`
	AsyncInvokeConfig     asyncConfig       `json:"asyncInvokeConfig"`
	LogConfig             logConfig         `json:"logConfig"`
	CustomContainerConfig any               `json:"customContainerConfig"`
	Layers                []string          `json:"layers"`
	Triggers              []trigger         `json:"triggers"`
}

type runtimeConfig struct {
	Command []string `json:"command"`
	Args    []string `json:"args"`
}

type lifecycle struct {
	Initializer *hook `json:"initializer"`
	PreStop     *hook `json:"preStop"`
}

type hook struct {
	Handler string   `json:"handler"`
	Timeout int      `json:"timeout"`
	Command []string `json:"command"`
}

type concurrencyConfig struct {
	ReservedConcurrency int `json:"reservedConcurrency"`
}

type asyncConfig struct {
	MaxAge  *int `json:"maxAsyncEventAgeInSeconds"`
	Retries *int `json:"maxAsyncRetryAttempts"`
}

type logConfig struct {
	Project  string `json:"project"`
	Logstore string `json:"logstore"`
}

// UnmarshalJSON takes `auto` for a configuration without names.
func (l *logConfig) UnmarshalJSON(data []byte) error {
	type plain logConfig
	if data[0] == '"' {
		return nil
	}
	return json.Unmarshal(data, (*plain)(l))
}

// decode lays a checked value into a struct. What had the wrong type was reported before and stays zero.
func decode(value, into any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode a value of the manifest: %w", err)
	}
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(data, into); err != nil && !errors.As(err, &wrongType) {
		return fmt.Errorf("decode a value of the manifest: %w", err)
	}
	return nil
}

func (r *reader) function(path []string, value map[string]any) error {
	if err := r.schemas.check(r.document, "", path, value); err != nil {
		return err
	}
	var p props
	if err := decode(value, &p); err != nil {
		return err
	}
	f := Function{
		Name: p.FunctionName, Region: p.Region, Description: p.Description, Runtime: p.Runtime, Handler: p.Handler,
		Role: p.Role, CPU: cmp.Or(p.CPU, 0.35), MemoryMB: cmp.Or(p.MemorySize, 512),
		Timeout:             seconds(cmp.Or(p.Timeout, 3)),
		InstanceConcurrency: cmp.Or(p.InstanceConcurrency, 1),
		ReservedConcurrency: p.ConcurrencyConfig.ReservedConcurrency,
		AsyncRetries:        3, AsyncMaxAge: seconds(18000),
		LogProject: p.LogConfig.Project, LogStore: p.LogConfig.Logstore,
		Environment: p.EnvironmentVariables,
	}
	if p.AsyncInvokeConfig.Retries != nil {
		f.AsyncRetries = *p.AsyncInvokeConfig.Retries
	}
	if p.AsyncInvokeConfig.MaxAge != nil {
		f.AsyncMaxAge = seconds(*p.AsyncInvokeConfig.MaxAge)
	}
	r.name(path, f.Name)
	r.runtime(path, &p)
	r.code(path, &p, &f)
	r.hooks(path, &p, &f)
	r.environment(path, &f)
	r.memory(path, &p, &f)
	if err := r.triggers(path, p.Triggers, &f); err != nil {
		return err
	}
	r.manifest.Functions = append(r.manifest.Functions, f)
	return nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
