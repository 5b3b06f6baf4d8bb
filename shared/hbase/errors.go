package hbase

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/region"
)

// The classes of errors, for errors.Is. One error may be both ErrUnavailable and ErrRejected, when
// rows failed in both ways: then what is unavailable is to be tried again first.
var (
	// ErrUnavailable: HBase did not do it now and may do it later. A write may have been applied
	// all the same. Trying again is safe.
	ErrUnavailable = errors.New("HBase is unavailable")
	// ErrRejected: HBase refuses a row for good; errors.As finds the *RejectedError with the rows.
	ErrRejected = errors.New("HBase refuses the row for good")
	// ErrTableNotFound: HBase has no such table.
	ErrTableNotFound = errors.New("the table does not exist in HBase")
)

// Rejection is one row that HBase refuses for good.
type Rejection struct {
	Index  int    // of the row in the slice that was to be written
	Key    []byte // of the refused row in HBase
	Reason string // the exception and its message
}

// RejectedError lists the rows of one write that HBase refuses for good. It is an ErrRejected.
type RejectedError struct {
	Table string
	Rows  []Rejection
}

func (e *RejectedError) Error() string {
	const most = 3
	shown := make([]string, 0, most)
	for _, row := range e.Rows[:min(most, len(e.Rows))] {
		shown = append(shown, fmt.Sprintf("row %q: %s", row.Key, row.Reason))
	}
	if more := len(e.Rows) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s: %d in table %s: %s", ErrRejected, len(e.Rows), e.Table, strings.Join(shown, "; "))
}

// Is makes every RejectedError an ErrRejected.
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

// refusal is what HBase said of one row it refuses.
type refusal struct{ message string }

func (e *refusal) Error() string        { return e.message }
func (e *refusal) Is(target error) bool { return target == ErrRejected }

// refusals are the exceptions that concern the row itself. Others that HBase does not want to see
// again, such as a denied access, concern the table or the user and end when somebody mends that.
var refusals = map[string]bool{
	"org.apache.hadoop.hbase.DoNotRetryIOException":                    true,
	"org.apache.hadoop.hbase.exceptions.FailedSanityCheckException":    true,
	"org.apache.hadoop.hbase.regionserver.NoSuchColumnFamilyException": true,
}

// classify puts an error of the client library into its class and keeps it as the cause. The end of
// the caller's context by cancellation is passed on as it is.
func classify(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, gohbase.TableNotFound):
		return ErrTableNotFound
	case isTransient(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	class, message, isException := parseException(err)
	if !isException {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch {
	case class == "org.apache.hadoop.hbase.TableNotFoundException":
		return fmt.Errorf("%w: %s", ErrTableNotFound, message)
	case refusals[class]:
		return &refusal{message: message}
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, message)
}

// isTransient reports whether the library itself would have tried again, had there been time.
func isTransient(err error) bool {
	var (
		retryable  region.RetryableError
		server     region.ServerError
		notServing region.NotServingRegionError
	)
	return errors.As(err, &retryable) || errors.As(err, &server) || errors.As(err, &notServing)
}

// parseException reads the text in which the library hands a Java exception over: a prefix, the class
// and a colon, and below it the stack, of which the message is the first line.
func parseException(err error) (class, message string, ok bool) {
	rest, ok := strings.CutPrefix(err.Error(), "HBase Java exception ")
	if !ok {
		return "", "", false
	}
	class, stack, _ := strings.Cut(rest, "\n")
	class = strings.TrimSuffix(class, ":")
	message, _, _ = strings.Cut(stack, "\n")
	if !strings.HasPrefix(message, class) {
		message = class + ": " + message
	}
	const most = 300
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "…"
	}
	return class, message, true
}
