package target

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"feedstream/local/platform/manifest"
	"feedstream/shared/config"
)

// FromFile reads where the services are from a file of NAME=value lines, such as a filled-in .env.example,
// and the names from a manifest. What the manifest takes from the environment, it takes from the file
// first, as a deployment would. OSS is in the region of the functions, FEED_REGION, unless OSS_REGION says otherwise.
func FromFile(path, manifestPath string) (Target, *manifest.Manifest, error) {
	values, err := config.ReadFile(path)
	if err != nil {
		return Target{}, nil, err
	}
	taken := map[string]bool{}
	m, err := manifest.LoadIn(manifestPath, func(name string) (string, bool) {
		taken[name] = true
		if value := values[name]; value != "" {
			return value, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return Target{}, nil, err
	}
	names, err := NamesOf(m)
	if err != nil {
		return Target{}, nil, err
	}
	if values["OSS_REGION"] == "" {
		values["OSS_REGION"] = values["FEED_REGION"]
	}
	t, err := Parse(values, names)
	if err := errors.Join(unknown(values, taken), t.someService(), err); err != nil {
		return Target{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, m, nil
}

// unknown names the variables that neither name a service or the functions' API nor are taken by the manifest.
func unknown(values map[string]string, taken map[string]bool) error {
	known := []string{string(Kafka), string(HBase), string(OSS), string(MongoDB), FCVariable, KeyIDVariable, SecretVariable, TokenVariable}
	for _, v := range variables {
		known = append(known, v.name)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !taken[name] && !slices.Contains(known, name) && !strings.HasPrefix(name, "FEED_") {
			problems = append(problems, fmt.Errorf("%s names no service; known are %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(problems...)
}

func (t *Target) someService() error {
	for _, s := range []Service{Kafka, HBase, OSS, MongoDB} {
		if t.Has(s) {
			return nil
		}
	}
	return fmt.Errorf("it names no service: set %s, %s, %s or %s", Kafka, HBase, OSS, MongoDB)
}
