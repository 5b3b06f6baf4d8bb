// Package doctor looks at what would be deployed, and at the services of a feed as its functions will find them:
// topics, table and index, snapshot, reference collection. It writes nothing. What it finds wrong it names together
// with what mends it.
package doctor

import (
	"errors"
	"fmt"
	"strings"
)

// Finding is what one check came to.
type Finding struct {
	Check  string `json:"check"` // what was looked at, such as "topic feed-updates", or the rule
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"` // what to do about it, when it is not OK
	File   string `json:"file,omitempty"`   // where it stands, when it stands in a file
	Line   int    `json:"line,omitempty"`
}

// Problems joins the findings that are not OK into one error, nil when all are.
func Problems(findings []Finding) error {
	var problems []error
	for _, f := range findings {
		if !f.OK {
			problems = append(problems, fmt.Errorf("%s: %s: %s", f.Check, f.Detail, f.Remedy))
		}
	}
	return errors.Join(problems...)
}

func good(check, detail string, args ...any) Finding {
	return Finding{Check: check, OK: true, Detail: fmt.Sprintf(detail, args...)}
}

func bad(check, remedy, detail string, args ...any) Finding {
	return Finding{Check: check, Detail: strings.TrimSpace(fmt.Sprintf(detail, args...)), Remedy: remedy}
}
