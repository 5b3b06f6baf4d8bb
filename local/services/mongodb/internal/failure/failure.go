// Package failure holds the errors a MongoDB server answers commands with: a numeric code, its name and a sentence.
package failure

import (
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Code is a MongoDB error code. Drivers decide by it, so it is always the code a real server gives for the same fault.
type Code int32

// The codes this server answers with.
const (
	InternalError             Code = 1
	BadValue                  Code = 2
	FailedToParse             Code = 9
	Unauthorized              Code = 13
	TypeMismatch              Code = 14
	Overflow                  Code = 15
	IllegalOperation          Code = 20
	InvalidBSON               Code = 22
	NamespaceNotFound         Code = 26
	IndexNotFound             Code = 27
	PathNotViable             Code = 28
	ConflictingUpdate         Code = 40
	CursorNotFound            Code = 43
	NamespaceExists           Code = 48
	InvalidIDField            Code = 53
	CommandNotFound           Code = 59
	ImmutableField            Code = 66
	CannotCreateIndex         Code = 67
	InvalidOptions            Code = 72
	InvalidNamespace          Code = 73
	IndexOptionsConflict      Code = 85
	IndexKeySpecsConflict     Code = 86
	ExceededMemoryLimit       Code = 146
	CannotIndexParallelArrays Code = 171
	NotImplemented            Code = 238
	QueryExceededMemory       Code = 292
	APIVersionError           Code = 322
	APIStrictError            Code = 323
	BSONObjectTooLarge        Code = 10334
	DuplicateKey              Code = 11000
	MissingField              Code = 40414
	UnknownField              Code = 40415
	APIParametersMissing      Code = 4886600

	// These only injected faults answer with.
	UnknownError          Code = 8
	MaxTimeMSExpired      Code = 50
	ShutdownInProgress    Code = 91
	NotWritablePrimary    Code = 10107
	InterruptedAtShutdown Code = 11600
)

var names = map[Code]string{
	InternalError: "InternalError", BadValue: "BadValue", FailedToParse: "FailedToParse",
	Unauthorized: "Unauthorized", TypeMismatch: "TypeMismatch", Overflow: "Overflow",
	IllegalOperation: "IllegalOperation", InvalidBSON: "InvalidBSON", NamespaceNotFound: "NamespaceNotFound",
	IndexNotFound: "IndexNotFound", PathNotViable: "PathNotViable",
	ConflictingUpdate: "ConflictingUpdateOperators", CursorNotFound: "CursorNotFound",
	NamespaceExists: "NamespaceExists", InvalidIDField: "InvalidIdField", CommandNotFound: "CommandNotFound",
	ImmutableField: "ImmutableField", CannotCreateIndex: "CannotCreateIndex", InvalidOptions: "InvalidOptions",
	InvalidNamespace: "InvalidNamespace", IndexOptionsConflict: "IndexOptionsConflict",
	IndexKeySpecsConflict: "IndexKeySpecsConflict", ExceededMemoryLimit: "ExceededMemoryLimit",
	CannotIndexParallelArrays: "CannotIndexParallelArrays", NotImplemented: "NotImplemented",
	QueryExceededMemory: "QueryExceededMemoryLimitNoDiskUseAllowed",
	APIVersionError:     "APIVersionError", APIStrictError: "APIStrictError",
	BSONObjectTooLarge: "BSONObjectTooLarge", DuplicateKey: "DuplicateKey",
	MissingField: "IDLFailedToParse", UnknownField: "IDLUnknownField",
	UnknownError: "UnknownError", MaxTimeMSExpired: "MaxTimeMSExpired",
	ShutdownInProgress: "ShutdownInProgress", InterruptedAtShutdown: "InterruptedAtShutdown", NotWritablePrimary: "NotWritablePrimary",
}

// Name is the code's name as MongoDB spells it. A code without a name of its own is "Location<code>", as on a real
// server.
func (c Code) Name() string {
	if name, ok := names[c]; ok {
		return name
	}
	return fmt.Sprintf("Location%d", int32(c))
}

// Named finds a code by its name, or by its number in digits.
func Named(name string) (Code, bool) {
	for code, have := range names {
		if have == name {
			return code, true
		}
	}
	number, err := strconv.ParseInt(name, 10, 32)
	return Code(number), err == nil
}

// Error is a command's or a single write's failure. A duplicate key also names the index' key and the value.
type Error struct {
	Code       Code
	Message    string
	KeyPattern bsoncore.Document
	KeyValue   bsoncore.Document
}

// Error is the message with its code, for logs.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// New makes an Error with a formatted message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unsupported refuses by name what a real MongoDB can do and the embedded server cannot.
func Unsupported(format string, args ...any) *Error {
	return New(NotImplemented, "embedded MongoDB: %s is not supported", fmt.Sprintf(format, args...))
}

// Names are the names and the numbers of all codes.
func Names() []string {
	var all []string
	for code, name := range names {
		all = append(all, name, strconv.Itoa(int(code)))
	}
	slices.Sort(all)
	return all
}
