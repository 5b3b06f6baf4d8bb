package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var secretRules = []rule{
	{"secret-in-clear", secretInClear},
	{"anonymous", anonymous},
}

var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|PRIVATE_KEY|API_KEY)`)

// secretInClear: what stands in the manifest, in its vars too, or is the default of an expression there, is in the
// repository for good.
func secretInClear(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, v := range f.at("environmentVariables").members() {
			written := v.withVars(v.in.Written(v.path...), 0)
			literal := taken.ReplaceAllString(written, "")
			for _, m := range taken.FindAllStringSubmatch(written, -1) {
				literal += strings.Trim(m[2], `'"`)
			}
			if literal != "" && (secretName.MatchString(v.name()) || withPassword(literal)) {
				problems = append(problems, v.wrong("write ${env('"+v.name()+"')} and set the variable where you deploy",
					"%s of %s has its secret in the manifest", v.name(), f.name))
			}
		}
		return problems
	})
}

// variable is an expression that takes its value from the vars of the manifest.
var variable = regexp.MustCompile(`\$\{\s*vars\.([\w$.-]+)\s*\}`)

// withVars is a text with what is written in vars in the place of what refers to it. Depth is how many references led
// to it: the reader of the manifest refuses a circle, and nothing is gained by following one.
func (n node) withVars(text string, depth int) string {
	const deepest = 8
	if depth == deepest {
		return text
	}
	return variable.ReplaceAllStringFunc(text, func(expression string) string {
		path := append([]string{"vars"}, strings.Split(variable.FindStringSubmatch(expression)[1], ".")...)
		if written := n.in.Written(path...); written != "" {
			return n.withVars(written, depth+1)
		}
		if value := n.in.Value(path...); value != nil { // a number
			return fmt.Sprint(value)
		}
		return "" // an empty one, or none: the reader names it
	})
}

// withPassword tells an address with a password in it.
func withPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return false
	}
	password, _ := u.User.Password()
	return password != ""
}

// anonymous: everyone on the internet may call the function, and who deploys pays.
func anonymous(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, t := range f.triggers {
			auth := t.config.at("authType")
			problems = append(problems, when(t.kind == "http" && auth.text() == "anonymous",
				auth.wrong("write authType: function", "everyone on the internet may call %s", f.name))...)
		}
		return problems
	})
}
