package manifest

import (
	"cmp"
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

// code finds the function's folder and the binary that its command starts.
func (r *reader) code(path []string, p *props, f *Function) {
	if p.Code == "" {
		return
	}
	f.CodeDir = p.Code
	if !filepath.IsAbs(f.CodeDir) {
		f.CodeDir = filepath.Join(r.directory, p.Code)
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
	binary, inCode := strings.CutPrefix(command[0], "/code/")
	if !inCode {
		if _, err := exec.LookPath(command[0]); err != nil {
			r.report(at, "command %q is not on this machine: install it, or start a binary under /code/", command[0])
		}
		return
	}
	info, err := os.Stat(f.Command[0])
	switch {
	case err != nil:
		r.report(at, "binary %q is not in the code folder %s: run make build", binary, p.Code)
	case info.IsDir() || info.Mode()&0o111 == 0:
		r.report(at, "binary %q in the code folder %s cannot be executed: run make build", binary, p.Code)
	}
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
