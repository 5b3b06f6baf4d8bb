package runtime

import (
	"errors"
	"syscall"
	"time"
)

// Fault is how an instance goes wrong under one request. The zero value lets it be.
type Fault struct {
	// Kill ends the process: so long after the request was sent, or, with Lost, once it has answered.
	Kill bool
	Lost bool // the answer does not arrive
	// Timeout is the time that the request has in place of the function's own.
	Timeout time.Duration
	// Freeze stops the process for so long, from the moment at which the request is sent.
	Freeze time.Duration
	After  time.Duration // of Kill
}

// errLost is what a caller hears of an answer that does not arrive.
var errLost = errors.New("the instance was killed before its answer arrived")

// meet lets a fault happen to an instance while a request runs on it.
func (f Fault) meet(i *instance) {
	if f.Kill && !f.Lost {
		time.AfterFunc(f.After, i.kill)
	}
	if f.Freeze > 0 {
		i.signal(syscall.SIGSTOP)
		time.AfterFunc(f.Freeze, func() { i.signal(syscall.SIGCONT) })
	}
}

// lose has an instance end that has done its work, before anybody hears of it.
func (f Fault) lose(i *instance) bool {
	if f.Kill && f.Lost {
		i.kill()
		return true
	}
	return false
}

// limit is the time that a request has.
func (f Fault) limit(own time.Duration) time.Duration {
	if f.Timeout > 0 {
		return min(f.Timeout, own)
	}
	return own
}

// fault asks for the fault of a request.
func (f *Function) fault() Fault {
	if f.cfg.Fault == nil {
		return Fault{}
	}
	return f.cfg.Fault(f.manifest.Name)
}
