// Package fault says how a call to an embedded server goes wrong, in words that all the servers share: which call,
// before or after it took effect, late, cut off or answered with an error, and how often.
//
// Each server has a method Fault, which takes a hook: it is asked before every call and answers with the fault of
// that call. What only one service knows, such as an action within a batch, its own type of fault adds to Fault.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Moment is the side of a call's effect on which a fault happens.
type Moment int

// A client that hears of neither cannot tell them apart; what it repeats is then done for the first or the second time.
const (
	Before Moment = iota // nothing has taken effect, and nothing will unless the fault is only a delay
	After                // everything has taken effect
)

// Fault is how a call goes wrong. The zero value lets it pass.
type Fault struct {
	When    Moment
	Delay   time.Duration // wait; what else is set happens after it
	Drop    bool          // break the connection
	Err     string        // answer this error, by the name that the service gives it
	Message string        // text of the error; empty means a sentence that says it was injected
}

// ErrDrop means that the connection is to be broken.
var ErrDrop = errors.New("an injected fault breaks the connection")

// Error is an injected error, which the server turns into one of its own.
type Error struct {
	Name    string
	Message string
}

// Error is name and message, for logs.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Hit lets the fault happen if now is its moment: it waits, and returns ErrDrop, an *Error, or nil when the call goes
// on. The end of ctx cuts a wait short and drops the call.
func (f Fault) Hit(ctx context.Context, now Moment) error {
	if f.When != now {
		return nil
	}
	if err := wait(ctx, f.Delay); err != nil {
		return fmt.Errorf("%w: %w", ErrDrop, err)
	}
	if f.Drop {
		return ErrDrop
	}
	if err := f.Failure(); err != nil {
		return err
	}
	return nil
}

// Failure is the error that the fault answers with, nil when it answers with none.
func (f Fault) Failure() *Error {
	switch {
	case f.Err == "":
		return nil
	case f.Message == "":
		return &Error{Name: f.Err, Message: "injected fault"}
	}
	return &Error{Name: f.Err, Message: f.Message}
}

// Around runs a call with its fault before or after it.
func Around[T any](ctx context.Context, f Fault, call func() (T, error)) (T, error) {
	var none T
	if err := f.Hit(ctx, Before); err != nil {
		return none, err
	}
	answer, err := call()
	if err := f.Hit(ctx, After); err != nil {
		return none, err
	}
	return answer, err
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
