// Package exception has the errors that HBase's clients know: each has a Java class, by which they choose whether
// to try again.
package exception

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// Java class names of the exceptions that the server answers with.
const (
	NotServingRegion    = "org.apache.hadoop.hbase.NotServingRegionException"
	RegionTooBusy       = "org.apache.hadoop.hbase.RegionTooBusyException"
	CallQueueTooBig     = "org.apache.hadoop.hbase.CallQueueTooBigException"
	DoNotRetryIO        = "org.apache.hadoop.hbase.DoNotRetryIOException"
	RegionServerStopped = "org.apache.hadoop.hbase.regionserver.RegionServerStoppedException"
	JavaIO              = "java.io.IOException"

	NoSuchFamily      = "org.apache.hadoop.hbase.regionserver.NoSuchColumnFamilyException"
	FailedSanity      = "org.apache.hadoop.hbase.exceptions.FailedSanityCheckException"
	WrongRegion       = "org.apache.hadoop.hbase.regionserver.WrongRegionException"
	UnknownScanner    = "org.apache.hadoop.hbase.UnknownScannerException"
	OutOfOrderNext    = "org.apache.hadoop.hbase.exceptions.OutOfOrderScannerNextException"
	TableExists       = "org.apache.hadoop.hbase.TableExistsException"
	TableNotFound     = "org.apache.hadoop.hbase.TableNotFoundException"
	NamespaceNotFound = "org.apache.hadoop.hbase.NamespaceNotFoundException"
	ResultTooLarge    = "org.apache.hadoop.hbase.MultiActionResultTooLarge"
	RequestTooBig     = "org.apache.hadoop.hbase.exceptions.RequestTooBigException"
	BadAuth           = "org.apache.hadoop.hbase.security.AccessDeniedException"
	WrongVersion      = "org.apache.hadoop.hbase.ipc.FatalConnectionException"
	UnknownService    = "org.apache.hadoop.hbase.ipc.UnknownServiceException"
	IllegalArgument   = "java.lang.IllegalArgumentException"
	WrongRow          = "org.apache.hadoop.hbase.client.WrongRowIOException"
	BadCodec          = "org.apache.hadoop.hbase.codec.UnsupportedCellCodecException"
)

// classes are those that a fault may name by their last part.
var classes = []string{
	NotServingRegion, RegionTooBusy, CallQueueTooBig, DoNotRetryIO, RegionServerStopped, JavaIO, NoSuchFamily,
	FailedSanity, WrongRegion, UnknownScanner, OutOfOrderNext, TableExists, TableNotFound, NamespaceNotFound,
	ResultTooLarge, RequestTooBig, BadAuth, WrongVersion, UnknownService, IllegalArgument, WrongRow, BadCodec,
}

// Names are what a fault may call the classes: whole, or by their last parts.
func Names() []string {
	var names []string
	for _, class := range classes {
		names = append(names, class[strings.LastIndexByte(class, '.')+1:], class)
	}
	return names
}

// Class is the full name of a class of which the last part is given; every other name is taken as it is.
func Class(name string) string {
	for _, class := range classes {
		if strings.HasSuffix(class, "."+name) {
			return class
		}
	}
	return name
}

// UnsupportedPrefix begins the text of every refusal of a feature.
const UnsupportedPrefix = "not supported by the embedded HBase: "

// Error is an error that has a Java class, which is what a client sees.
type Error struct {
	Class   string
	Message string
}

func (e *Error) Error() string { return e.Class + ": " + e.Message }

// New makes an error of a class.
func New(class, format string, args ...any) error {
	return &Error{Class: class, Message: fmt.Sprintf(format, args...)}
}

// Unsupported refuses a feature by name; clients do not repeat it.
func Unsupported(format string, args ...any) error {
	return New(DoNotRetryIO, UnsupportedPrefix+format, args...)
}

// Of gives every error a class. What has none is an internal failure, which a client may try again.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: JavaIO, Message: err.Error()}
}

// retryable tells whether a client may repeat a call that met the exception.
func (e *Error) retryable() bool {
	switch e.Class {
	case DoNotRetryIO, NoSuchFamily, FailedSanity, TableExists, TableNotFound, NamespaceNotFound, RequestTooBig,
		BadAuth, WrongVersion, UnknownScanner, OutOfOrderNext, UnknownService, WrongRow, BadCodec:
		return false
	}
	return true
}

// Header is the form of an exception that fails a whole call.
func (e *Error) Header() *pb.ExceptionResponse {
	return &pb.ExceptionResponse{
		ExceptionClassName: proto.String(e.Class),
		StackTrace:         proto.String(e.Error()),
		DoNotRetry:         proto.Bool(!e.retryable()),
	}
}

// Pair is the form of an exception that fails one region or one action of a Multi.
func (e *Error) Pair() *pb.NameBytesPair {
	return &pb.NameBytesPair{Name: proto.String(e.Class), Value: []byte(e.Error())}
}
