package doctor

import (
	"context"

	"feedstream/local/target"
)

// Pushes asks a running local stack for the pushes that keep failing; of any other target it knows nothing.
func Pushes(ctx context.Context, t *target.Target) []Finding {
	const check = "pushes"
	if t.Console == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	failing, err := t.Failing(ctx)
	if err != nil {
		return []Finding{bad(check, "start the stack again: its console does not answer", "%v", err)}
	}
	if len(failing) == 0 {
		return []Finding{good(check, "none keeps failing")}
	}
	var findings []Finding
	for _, push := range failing {
		findings = append(findings, bad(check, "mend what the error names: the push comes again by itself", "%v", push))
	}
	return findings
}
