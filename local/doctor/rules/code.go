package rules

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var codeRules = []rule{
	{"code-missing", codeMissing},
	{"code-entry", codeEntry},
	{"code-mode", codeMode},
	{"code-program", codeProgram},
	{"code-size", codeSize},
}

const build = "run `make build`, and deploy bin/zip/*.zip"

// code is the program that a function's command starts, as it would be uploaded.
type code struct {
	at     node
	binary string // path below /code
	err    error  // why it could not be read
	found  bool
	mode   fs.FileMode
	bytes  []byte
	size   int64 // of the archive
}

// codeOf opens the zip, or the folder, of a function. Nil where the command is none of the code's.
func (f function) codeOf() *code {
	binary := "bootstrap"
	if command := f.at("customRuntimeConfig", "command").members(); len(command) > 0 {
		rest, inCode := strings.CutPrefix(command[0].text(), "/code/")
		if !inCode {
			return nil
		}
		binary = rest
	}
	c := &code{at: f.at("code"), binary: binary}
	switch {
	case c.at.text() == "":
		return nil
	case strings.EqualFold(filepath.Ext(c.at.text()), ".zip"):
		c.err = c.readZip(c.at.file())
	default:
		c.err = c.readFolder(c.at.file())
	}
	return c
}

func (c *code) readZip(path string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	if info, err := os.Stat(path); err == nil {
		c.size = info.Size()
	}
	for _, file := range archive.File {
		if file.Name != c.binary {
			continue
		}
		content, err := file.Open()
		if err != nil {
			return err
		}
		defer content.Close()
		c.found, c.mode = true, file.Mode()
		c.bytes, err = io.ReadAll(content)
		return err
	}
	return nil
}

func (c *code) readFolder(folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return err
	}
	path := filepath.Join(folder, c.binary)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		c.found, c.mode, c.size = true, info.Mode(), info.Size()
		c.bytes, err = os.ReadFile(path)
	}
	return err
}

// eachCode runs a check on the code of every function and joins what it finds.
func (d *deployment) eachCode(check func(function, *code) []Problem) []Problem {
	return d.each(func(f function) []Problem {
		if c := f.codeOf(); c != nil {
			return check(f, c)
		}
		return nil
	})
}

func codeMissing(d *deployment) []Problem {
	return d.eachCode(func(f function, c *code) []Problem {
		if c.err == nil {
			return nil
		}
		why := c.err
		if errors.Is(why, fs.ErrNotExist) {
			why = errors.New("it is not there")
		}
		return []Problem{c.at.wrong(build, "the code of %s, %s, cannot be deployed: %v", f.name, c.at.text(), why)}
	})
}

// codeEntry: the command is looked for where it says, from the root of the archive.
func codeEntry(d *deployment) []Problem {
	return d.eachCode(func(f function, c *code) []Problem {
		return when(c.err == nil && !c.found, c.at.wrong(build,
			"the code of %s, %s, has no %s at its root, which the command starts", f.name, c.at.text(), c.binary))
	})
}

// codeMode: an archive that was made on Windows has lost the bit.
func codeMode(d *deployment) []Problem {
	return d.eachCode(func(f function, c *code) []Problem {
		return when(c.found && c.mode.Perm()&0o555 != 0o555, c.at.wrong(build,
			"%s in %s has the mode %#o: everyone must be able to read and start it, 0755", c.binary, c.at.text(), c.mode.Perm()))
	})
}

// codeProgram: whatever machine it was built on, it must be a program for the platform's. What a function of the user's
// own starts may be a script.
func codeProgram(d *deployment) []Problem {
	return d.eachCode(func(f function, c *code) []Problem {
		if !c.found || c.err != nil || !f.own() {
			return nil
		}
		foreign := foreignProgram(c.bytes)
		return when(foreign != "", c.at.wrong(build+", or give Go GOOS=linux GOARCH=amd64 CGO_ENABLED=0",
			"%s in %s is %s: the platform runs static programs for Linux on x86-64", c.binary, c.at.text(), foreign))
	})
}

// foreignProgram says what a file is that is no static program for Linux on x86-64.
func foreignProgram(content []byte) string {
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		for magic, what := range map[string]string{
			"\xcf\xfa\xed\xfe": "a program for macOS", "MZ": "a program for Windows", "#!": "a script",
		} {
			if bytes.HasPrefix(content, []byte(magic)) {
				return what
			}
		}
		return "no program for Linux"
	}
	defer program.Close()
	if program.Machine != elf.EM_X86_64 || program.Class != elf.ELFCLASS64 {
		return "a program for " + program.Machine.String()
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return "linked with libraries of the machine that built it"
		}
	}
	return ""
}

// mostCode is what the strictest region takes.
const mostCode = 100 << 20

func codeSize(d *deployment) []Problem {
	return d.eachCode(func(f function, c *code) []Problem {
		return when(c.size > mostCode, c.at.wrong("leave out what the program does not need",
			"the code of %s is %d MB: some regions take 100", f.name, c.size>>20))
	})
}
