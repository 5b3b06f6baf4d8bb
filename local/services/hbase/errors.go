package hbase

import (
	"errors"
	"fmt"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// Java class names of the exceptions the server answers with; clients choose their retries by them.
const (
	NotServingRegion    = "org.apache.hadoop.hbase.NotServingRegionException"
	RegionTooBusy       = "org.apache.hadoop.hbase.RegionTooBusyException"
	CallQueueTooBig     = "org.apache.hadoop.hbase.CallQueueTooBigException"
	DoNotRetryIO        = "org.apache.hadoop.hbase.DoNotRetryIOException"
	RegionServerStopped = "org.apache.hadoop.hbase.regionserver.RegionServerStoppedException"
	JavaIO              = "java.io.IOException"

	noSuchFamily      = "org.apache.hadoop.hbase.regionserver.NoSuchColumnFamilyException"
	failedSanity      = "org.apache.hadoop.hbase.exceptions.FailedSanityCheckException"
	wrongRegion       = "org.apache.hadoop.hbase.regionserver.WrongRegionException"
	unknownScanner    = "org.apache.hadoop.hbase.UnknownScannerException"
	outOfOrderNext    = "org.apache.hadoop.hbase.exceptions.OutOfOrderScannerNextException"
	tableExists       = "org.apache.hadoop.hbase.TableExistsException"
	tableNotFound     = "org.apache.hadoop.hbase.TableNotFoundException"
	requestTooBig     = "org.apache.hadoop.hbase.exceptions.RequestTooBigException"
	badAuth           = "org.apache.hadoop.hbase.security.AccessDeniedException"
	wrongVersion      = "org.apache.hadoop.hbase.ipc.FatalConnectionException"
	unknownService    = "org.apache.hadoop.hbase.ipc.UnknownServiceException"
	illegalArgument   = "java.lang.IllegalArgumentException"
	wrongRow          = "org.apache.hadoop.hbase.client.WrongRowIOException"
	badCodec          = "org.apache.hadoop.hbase.codec.UnsupportedCellCodecException"
	unsupportedPrefix = "not supported by the embedded HBase: "
)

// exception is an error that has a Java class, which is what a client sees.
type exception struct {
	class   string
	message string
}

func (e *exception) Error() string { return e.class + ": " + e.message }

func raise(class, format string, args ...any) error {
	return &exception{class: class, message: fmt.Sprintf(format, args...)}
}

// unsupported refuses a feature by name; clients do not repeat it.
func unsupported(format string, args ...any) error {
	return raise(DoNotRetryIO, unsupportedPrefix+format, args...)
}

// asException gives every error a class. What has none is an internal failure, which a client may try again.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return &exception{class: JavaIO, message: err.Error()}
}

// retryable tells whether a client may repeat a call that met the exception.
func (e *exception) retryable() bool {
	switch e.class {
	case DoNotRetryIO, noSuchFamily, failedSanity, tableExists, tableNotFound, requestTooBig, badAuth, wrongVersion,
		unknownScanner, outOfOrderNext, unknownService, wrongRow, badCodec:
		return false
	}
	return true
}

// header is the form of an exception that fails a whole call.
func (e *exception) header() *pb.ExceptionResponse {
	return &pb.ExceptionResponse{
		ExceptionClassName: proto.String(e.class),
		StackTrace:         proto.String(e.Error()),
		DoNotRetry:         proto.Bool(!e.retryable()),
	}
}

// pair is the form of an exception that fails one region or one action of a Multi.
func (e *exception) pair() *pb.NameBytesPair {
	return &pb.NameBytesPair{Name: proto.String(e.class), Value: []byte(e.Error())}
}
