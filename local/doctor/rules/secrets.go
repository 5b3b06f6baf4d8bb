package rules

import (
	"net/url"
	"regexp"
	"strings"
)

var secretRules = []rule{
	{"secret-in-clear", secretInClear},
	{"anonymous", anonymous},
}

var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|PRIVATE_KEY|API_KEY)`)

// secretInClear: what stands in the manifest, or is the default of an expression there, is in the repository for good.
func secretInClear(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, v := range f.at("environmentVariables").members() {
			written := v.in.Written(v.path...)
			literal := taken.ReplaceAllString(written, "")
			if m := taken.FindStringSubmatch(written); m != nil {
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
