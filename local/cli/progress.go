package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar counts up to a total, -1 where nobody knows it yet, and shows the count or how fast it goes. It is drawn when
// the count moves: by a goroutine of its own it would be drawn beside the caller. Where nobody looks, in a file or a
// pipe, nothing is drawn.
func Bar(out io.Writer, what string, total int64, shows progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what), shows,
		progressbar.OptionSetVisibility(terminal(out)),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetSpinnerChangeInterval(0))
}

// Steps shows how far each step of some work is, on a terminal alone.
type Steps struct {
	Out  io.Writer
	name string
	bar  *progressbar.ProgressBar
}

// Show is called as the work goes on.
func (s *Steps) Show(step string, done, total int64) {
	if !terminal(s.Out) {
		return
	}
	if s.bar == nil || s.name != step {
		s.End()
		s.name = step
		s.bar = Bar(s.Out, "reading "+step, total, progressbar.OptionShowIts())
	}
	_ = s.bar.Set64(done)
}

// End takes the bar away.
func (s *Steps) End() {
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
