package fc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// MaxLineBytes is the longest line that the platform's log takes; it cuts longer ones, and what is cut is no
// JSON any more.
const MaxLineBytes = 32 << 10

// maxTextBytes bounds each text of a line, in the form it has there: a joined error, a stack.
const maxTextBytes = 8 << 10

// Instance says which copy of which function a process is.
type Instance struct {
	Function string // its name at the platform
	Version  string // the published version, or LATEST
	ID       string
	Region   string
	Account  string
}

// InstanceOf reads FC_FUNCTION_NAME, FC_FUNCTION_VERSION, FC_INSTANCE_ID, FC_REGION and FC_ACCOUNT_ID out of
// environ, "NAME=value" lines as os.Environ returns them. What is not there stays empty: nothing depends on
// it but what is told of the process.
func InstanceOf(environ []string) (i Instance) {
	readEnvironment(environ, map[string]*string{
		"FC_FUNCTION_NAME": &i.Function, "FC_FUNCTION_VERSION": &i.Version, "FC_INSTANCE_ID": &i.ID,
		"FC_REGION": &i.Region, "FC_ACCOUNT_ID": &i.Account,
	})
	return i
}

// readEnvironment sets the variables that stand in environ, each where it belongs.
func readEnvironment(environ []string, variables map[string]*string) {
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if variable := variables[name]; variable != nil {
			*variable = value
		}
	}
}

// NewLogger returns a logger that writes one JSON object a line, with function, version and instance, and
// with the request id of the context that the line was logged under. A text or an error of more than 8 KB is
// cut and says so. A duration is a number of milliseconds, and its name gets the ending Ms.
func NewLogger(w io.Writer, level slog.Level, instance Instance) *slog.Logger {
	logger := slog.New(requestHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: bounded})})
	for _, a := range []slog.Attr{
		slog.String("function", instance.Function), slog.String("version", instance.Version), slog.String("instance", instance.ID),
	} {
		if a.Value.String() != "" {
			logger = logger.With(a)
		}
	}
	return logger
}

// bounded cuts a text, or the text of an error, and gives a duration its unit.
func bounded(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.Float64(a.Key+"Ms", float64(a.Value.Duration().Microseconds())/1000)
	case slog.KindString:
		return slog.String(a.Key, Clip(a.Value.String(), maxTextBytes))
	case slog.KindAny:
		if err, isError := a.Value.Any().(error); isError && err != nil {
			return slog.String(a.Key, Clip(err.Error(), maxTextBytes))
		}
	}
	return a
}

// Clip cuts a text so that it has at most so many bytes as a JSON string, quotes and what it says of the
// rest not counted.
func Clip(text string, most int) string {
	size := 0
	for i, r := range text {
		if size += quotedSize(r); size > most {
			return fmt.Sprintf("%s… (%d bytes more)", text[:i], len(text)-i)
		}
	}
	return text
}

// quotedSize is how many bytes a JSON string takes for a rune, at most.
func quotedSize(r rune) int {
	switch {
	case r == '"' || r == '\\':
		return len(`\"`)
	case r < ' ' || r == utf8.RuneError || r == '\u2028' || r == '\u2029':
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
