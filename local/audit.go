package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"feedstream/local/audit"
)

func auditCommand() *cobra.Command {
	var where place
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that no record was lost: verdicts, table and index against the input topic",
		Example: `  feedstream audit
  feedstream audit --from 2026-11-24T00:00:00Z --json
  feedstream audit --from 2:1000 --to 2:2000
  feedstream audit --env production.env
  feedstream audit --json > report.json`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := audit.ParseBound(from)
			last, err2 := audit.ParseBound(to)
			if err := errors.Join(err, err2); err != nil {
				return usageError{err}
			}
			t, err := where.target()
			if err != nil {
				return err
			}
			steps := steps{out: cmd.ErrOrStderr()}
			report, err := audit.FeedWith(cmd.Context(), t, audit.Config{From: first, To: last, Progress: steps.show})
			steps.end()
			if err != nil {
				return err
			}
			return printReport(cmd.OutOrStdout(), &report, asJSON)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "RFC 3339 time or partition:offset to begin at; what was written long before is not read")
	cmd.Flags().StringVar(&to, "to", "", "RFC 3339 time or partition:offset to end at")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON: the figures, and each kind of fault with the first ten and what to do")
	where.addFlags(cmd)
	return cmd
}

// steps shows how far each step of some work is, on a terminal alone.
type steps struct {
	out  io.Writer
	name string
	bar  *progressbar.ProgressBar
}

func (s *steps) show(step string, done, total int64) {
	if !terminal(s.out) {
		return
	}
	if s.bar == nil || s.name != step {
		s.end()
		s.name = step
		s.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription("reading "+step),
			progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = s.bar.Set64(done)
}

func (s *steps) end() {
	if s.bar != nil {
		_ = s.bar.Finish()
		s.bar = nil
	}
}

// terminal says whether somebody may look at what is written.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	about, err := file.Stat()
	return err == nil && about.Mode()&os.ModeCharDevice != 0
}
