package hosted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/plural"
	stopctx "github.com/steadgo/stead/internal/stopping"
	"github.com/steadgo/stead/lifecycle"
)

// PanicError is a panic or a runtime.Goexit of a service, with its stack.
type PanicError = lifecycle.PanicError

// ErrStopping is the error of a Stop that was called with a context of a service of the
// same host: the stop was requested, and Stop would wait for its caller. It is also in
// the error of an Enqueue of package channelq that had to wait, with a context of a
// service, when the stop began.
var ErrStopping = stopctx.Err

// ServiceError is a failure of one service. Op is the call: "start", "run", "stop",
// "reload", "health", "inherit logger", or one of the hooks "starting", "started",
// "stopping" and "stopped". Op is "add" if the registration makes no sense.
type ServiceError struct {
	Service string
	Op      string
	Err     error
}

const prefix = "stead/hosted: "

// Error returns a text like `stead/hosted: stop "emails": connection reset`. It leaves
// out the call and the name in front of an inner error that repeats them.
func (e *ServiceError) Error() string {
	inner := "<nil>"
	if e.Err != nil {
		// Of a nested host: once is enough to know where it comes from.
		inner = strings.ReplaceAll(e.Err.Error(), prefix, "")
		// Of another package of this module, about a queue or job of the same name.
		if from, rest, found := strings.Cut(inner, fmt.Sprintf(": %s %q: ", e.Op, e.Service)); found &&
			strings.HasPrefix(from, "stead/") && !strings.Contains(from, " ") {
			inner = rest
		}
	}
	return fmt.Sprintf(prefix+"%s %q: %s", e.Op, e.Service, inner)
}

// Unwrap returns Err.
func (e *ServiceError) Unwrap() error { return e.Err }

// TimeoutError names the services that did not return in time and were abandoned. It
// wraps context.DeadlineExceeded.
type TimeoutError struct{ Stragglers []Straggler }

// Straggler is a call into a service that did not return in time. It is also a call that
// returned and left calls of its own behind, such as the handlers of a server.
type Straggler struct {
	Service string        // of a nested host: outer/inner
	Op      string        // "start", "stop" or a hook
	Calls   int           // abandoned by Op; if zero, Op itself did not return
	Waited  time.Duration // since the call
	Stacks  string        // of the service's own goroutines when the host gave the call up
}

// MarshalJSON writes {"service", "op", "calls", "waited_seconds", "stacks"}, as in a
// [Report]. It leaves calls out if that is 0.
func (s Straggler) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Service string  `json:"service"`
		Op      string  `json:"op"`
		Calls   int     `json:"calls,omitempty"`
		Waited  float64 `json:"waited_seconds"`
		Stacks  string  `json:"stacks"`
	}{s.Service, s.Op, s.Calls, s.Waited.Seconds(), s.Stacks})
}

// Error names each service with its call and how long the call had. The stacks, which are
// long, are in the field only.
func (e *TimeoutError) Error() string {
	var b strings.Builder
	b.WriteString("stead/hosted: did not return in time:")
	for i, s := range e.Stragglers {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %q (%s, %v)", s.Service, s.what(), s.Waited.Round(time.Millisecond))
	}
	return b.String()
}

// what did not return: the call, or the ones that it abandoned.
func (s Straggler) what() string {
	if s.Calls == 0 {
		return s.Op
	}
	return plural.Of(s.Calls, "call") + " left by " + s.Op
}

// Unwrap returns context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// isCancel says whether err is no more than the news that a context was done whose
// cause is cause. errors.Is would also say so of an error that was joined with
// that news, and the error would be lost. A panic is a failure whatever its value.
//
// It asks the error, which belongs to the service: not under a lock.
func isCancel(err, cause error) (cancel bool) {
	defer func() {
		if recover() != nil {
			cancel = false
		}
	}()
	return onlyCancel(err, cause)
}

func onlyCancel(err, cause error) bool {
	if err == nil || errs.Same(err, context.Canceled) || errs.Same(err, ErrStopping) || errs.Same(err, cause) {
		return true
	}
	switch w := err.(type) { //nolint:errorlint // this walks the tree itself
	case *PanicError:
		return false
	case interface{ Unwrap() error }:
		inner := w.Unwrap()
		return inner != nil && onlyCancel(inner, cause)
	case interface{ Unwrap() []error }:
		parts := w.Unwrap()
		for _, part := range parts {
			if !onlyCancel(part, cause) {
				return false
			}
		}
		return len(parts) > 0
	default:
		return false
	}
}

// noted is a failure for the result.
type noted struct {
	error
	inner   []Straggler // of a nested host that did not stop in time, named outer/inner
	timeout bool        // there are any
}

// note asks the error, which belongs to the service: not under a lock.
func note(service, op string, err error) noted {
	n := noted{error: &ServiceError{Service: service, Op: op, Err: err}}
	timeout, ok := errs.As[*TimeoutError](err)
	if !ok {
		return n
	}
	n.timeout = true
	for _, s := range timeout.Stragglers {
		s.Service = service + "/" + s.Service
		n.inner = append(n.inner, s)
	}
	return n
}

// causeOf is context.Cause, of a context that is not ours.
func causeOf(ctx context.Context) error { return errs.Askable(context.Cause(ctx)) }

// join is errors.Join that returns a lone error as it is.
func join(errs ...error) error {
	var kept []error
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return errors.Join(kept...)
}
