package platform

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"feedstream/local/platform/stream"
)

// received reads the whole body of a request before any instance is asked: an upload that hangs, breaks off or is
// malformed is its caller's alone. It may take as long as an invocation. What cannot be read is answered.
func received(w http.ResponseWriter, r *http.Request, within time.Duration) ([]byte, bool) {
	if r.ContentLength > stream.MaxBody {
		tooLarge(w)
		return nil, false
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(within)); err != nil {
		apiError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, stream.MaxBody))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		if err := control.SetReadDeadline(time.Time{}); err != nil {
			return nil, false // the connection has gone
		}
		return body, true
	case errors.As(err, &large):
		tooLarge(w)
	case errors.Is(err, os.ErrDeadlineExceeded):
		apiError(w, http.StatusRequestTimeout, "RequestTimeout", fmt.Sprintf("the body did not arrive within %s", within))
	default:
		apiError(w, http.StatusBadRequest, "InvalidArgument", "the body cannot be read: "+err.Error())
	}
	return nil, false
}

func tooLarge(w http.ResponseWriter) {
	apiError(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", "a body has at most 32 MB")
}

// readTime is how long a caller may take over one part of an answer.
const readTime = 10 * time.Second

// errUnread is the fault of a caller that has gone or does not read.
var errUnread = errors.New("the answer was not read")

// answer copies an answer to a caller. One that does not read must not hold the instance until it is killed for
// overrunning its time.
func answer(w http.ResponseWriter, body io.Reader, patience time.Duration) error {
	control := http.NewResponseController(w)
	if _, err := io.Copy(impatient{w, control, patience}, body); err != nil {
		return err
	}
	return control.SetWriteDeadline(time.Time{}) // the connection may bring another request
}

type impatient struct {
	io.Writer
	control  *http.ResponseController
	patience time.Duration
}

func (i impatient) Write(b []byte) (int, error) {
	err := i.control.SetWriteDeadline(time.Now().Add(i.patience))
	n := 0
	if err == nil {
		n, err = i.Writer.Write(b)
	}
	if err != nil {
		return n, fmt.Errorf("%w: %w", errUnread, err)
	}
	return n, nil
}
