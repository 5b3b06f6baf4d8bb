package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxEnvironment is the most bytes that the names and values of a function's variables may take together.
const maxEnvironment = 4 << 10

var (
	functionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)
	variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// below is the path of something under path.
func below(path []string, names ...string) []string {
	return append(path[:len(path):len(path)], names...)
}

func (r *reader) name(path []string, name string) {
	if name == "" {
		return
	}
	at := r.at(below(path, "functionName"))
	if !functionName.MatchString(name) {
		r.report(at, "functionName is %q: write at most 64 letters, digits, _ and -, not starting with a digit", name)
	}
	if first, twice := r.names[name]; twice {
		r.report(at, "function %q is declared twice, first in line %d: rename one", name, first.line)
		return
	}
	r.names[name] = at
}

func (r *reader) runtime(path []string, p *props) {
	if p.Runtime != "" && p.Runtime != "custom" && !strings.HasPrefix(p.Runtime, "custom.") {
		r.report(r.at(below(path, "runtime")),
			"runtime is %q: the local platform runs custom runtimes only, write custom.debian12", p.Runtime)
	}
	if len(p.Layers) > 0 {
		r.report(r.at(below(path, "layers")), "layers are not supported locally: put the files into the code folder")
	}
}

// code finds the folder that stands for /code here, and the binary that the command starts.
func (r *reader) code(path []string, p *props, f *Function) {
	if p.Code == "" {
		return
	}
	f.Code, f.CodeDir = p.Code, localCode(p.Code)
	if !filepath.IsAbs(f.CodeDir) {
		f.CodeDir = filepath.Join(r.directory, f.CodeDir)
	}
	command, at := p.CustomRuntimeConfig.Command, r.at(below(path, "customRuntimeConfig", "command"))
	if len(command) == 0 {
		command, at = []string{"/code/bootstrap"}, r.at(below(path, "code"))
	}
	for _, word := range slices.Concat(command, p.CustomRuntimeConfig.Args) {
		if rest, ok := strings.CutPrefix(word, "/code/"); ok {
			word = filepath.Join(f.CodeDir, filepath.FromSlash(rest))
		}
		f.Command = append(f.Command, word)
	}
	started := program{function: f.Name, code: p.Code, command: command[0], at: at}
	if strings.HasPrefix(command[0], "/code/") {
		started.path = f.Command[0]
	}
	r.manifest.programs = append(r.manifest.programs, started)
}

// localCode is the folder with the code for this machine. A zip file is what the cloud runs: beside zip/<name>.zip stands
// functions/<name>/ with the same program built here.
func localCode(code string) string {
	name, isZip := strings.CutSuffix(filepath.Base(code), ".zip")
	if !isZip {
		return code
	}
	return filepath.Join(filepath.Dir(filepath.Dir(code)), "functions", name)
}

// CheckBinaries reports, as an *Error, each function whose program cannot be started on this machine.
func (m *Manifest) CheckBinaries() error {
	var problems []Problem
	report := func(p program, format string, args ...any) {
		problems = append(problems, Problem{p.at.line, p.at.column,
			fmt.Sprintf("function %s: ", p.function) + fmt.Sprintf(format, args...)})
	}
	for _, p := range m.programs {
		if p.path == "" {
			if _, err := exec.LookPath(p.command); err != nil {
				report(p, "command %q is not on this machine: install it, or start a binary under /code/", p.command)
			}
			continue
		}
		info, err := os.Stat(p.path)
		switch {
		case err != nil:
			report(p, "code is %s, and its binary for this machine, %s, is not there: run make build", p.code, p.path)
		case info.IsDir() || info.Mode()&0o111 == 0:
			report(p, "%s cannot be executed: run make build", p.path)
		}
	}
	return asError(m.Path, problems)
}

func (r *reader) hooks(path []string, p *props, f *Function) {
	convert := func(h *hook, name string) *Hook {
		if h == nil {
			return nil
		}
		if len(h.Command) > 0 {
			r.report(r.at(below(path, "instanceLifecycleConfig", name, "command")),
				"a hook command is not supported locally: answer the hook over HTTP")
		}
		return &Hook{Handler: h.Handler, Timeout: seconds(cmp.Or(h.Timeout, 3))}
	}
	f.Initializer = convert(p.InstanceLifecycle.Initializer, "initializer")
	f.PreStop = convert(p.InstanceLifecycle.PreStop, "preStop")
}

func (r *reader) environment(path []string, f *Function) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		inner := below(path, "environmentVariables", name)
		size += len(name) + len(f.Environment[name])
		at, ok := r.keys[key(inner)]
		if !ok {
			at = r.at(inner)
		}
		switch {
		case strings.HasPrefix(name, "FC_"):
			r.report(at, "environment variable %s is reserved for the platform: choose a name without FC_", name)
		case !variableName.MatchString(name):
			r.report(at, "environment variable %q is no name: write letters, digits and _", name)
		}
		r.manifest.variables = append(r.manifest.variables, variable{f.Name, name, at, r.unresolved[key(inner)]})
	}
	if size > maxEnvironment {
		r.report(r.at(below(path, "environmentVariables")),
			"environment variables take %d bytes: keep names and values under %d together", size, maxEnvironment)
	}
}

// memory checks the ratio of memory to processors where both are written.
func (r *reader) memory(path []string, p *props, f *Function) {
	if p.CPU == 0 || p.MemorySize == 0 {
		return
	}
	if ratio := float64(f.MemoryMB) / 1024 / f.CPU; ratio < 1 || ratio > 4 {
		r.report(r.at(below(path, "memorySize")),
			"memorySize %d goes with cpu %g as %.2g GB per vCPU: keep between 1 and 4", f.MemoryMB, f.CPU, ratio)
	}
}
