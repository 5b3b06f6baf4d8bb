package hbase

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/region"
)

// The classes of errors, for errors.Is. Rows that HBase rejects for good are a *feed.RejectedError.
var (
	// ErrUnavailable: HBase did not do it now and may do it later. A write may have been applied
	// all the same. Trying again is safe.
	ErrUnavailable = errors.New("HBase is unavailable")
	// ErrTableNotFound: HBase has no such table.
	ErrTableNotFound = errors.New("the table does not exist in HBase")
)

// rejection is what HBase said of one row that it rejects for good.
type rejection struct{ message string }

func (e *rejection) Error() string { return e.message }

func isRejection(err error) bool {
	var rejected *rejection
	return errors.As(err, &rejected)
}

// rejections are the exceptions that concern the row itself. Others that HBase does not want to see
// again, such as a denied access or a column family that is not there, concern the table or the user and end when
// somebody mends that: taken for a fault of the row they would set the whole feed aside.
var rejections = map[string]bool{
	"org.apache.hadoop.hbase.DoNotRetryIOException":                 true,
	"org.apache.hadoop.hbase.exceptions.FailedSanityCheckException": true,
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
	case rejections[class]:
		return &rejection{message: message}
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
