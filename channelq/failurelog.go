package channelq

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/lifecycle"
)

// The log of failed attempts has at most logLines lines of each kind in logWindow,
// and then one with the number of items that had none: what is downstream may be
// unreachable while thousands of items fail every second.
const (
	logLines  = 10
	logWindow = 10 * time.Second
)

// failureLog writes the lines for items that are retried or given up.
type failureLog struct {
	log *safelog.Log

	mu      sync.Mutex
	windows [2]logWindowState // of retry and gaveUp
}

type logWindowState struct {
	since  time.Time
	lines  int // since then
	silent int // items without a line
}

// kindOf returns the index in windows and the level and texts of a decision.
func kindOf(d decision) (kind int, level slog.Level, text, more string) {
	if d == retry {
		return 0, slog.LevelWarn, "attempt failed, will retry", "more attempts failed, will retry"
	}
	return 1, slog.LevelError, "item given up", "more items given up"
}

// write writes a line for n items, unless there were too many lines. It reports
// whether n are the first items without a line: flush has to be called then.
func (f *failureLog) write(d decision, n int, err error, args ...any) (silenced bool) {
	if lifecycle.IsLogged(err) {
		return false
	}
	kind, level, text, _ := kindOf(d)
	now := time.Now()
	f.mu.Lock()
	w := &f.windows[kind]
	if w.silent == 0 && now.Sub(w.since) >= logWindow {
		w.since, w.lines = now, 0
	}
	allowed := w.lines < logLines
	if allowed {
		w.lines++
	} else {
		silenced = w.silent == 0
		w.silent += n
	}
	f.mu.Unlock()
	if allowed {
		if n > 1 {
			args = append(args, slog.Int("items", n))
		}
		f.log.Log(context.Background(), level, text, append(errorInLog(err), args...)...) //nolint:sloglint // one of the constants of kindOf
	}
	return silenced
}

// flush writes how many items had no line, if the window has ended or final is set. It
// returns when to call it again, zero for never.
func (f *failureLog) flush(now time.Time, final bool) (next time.Time) {
	for _, d := range []decision{retry, gaveUp} {
		kind, level, _, more := kindOf(d)
		f.mu.Lock()
		w := &f.windows[kind]
		silent, end := w.silent, w.since.Add(logWindow)
		if over := final || !now.Before(end); over {
			w.silent = 0
		} else {
			if silent > 0 && (next.IsZero() || end.Before(next)) {
				next = end
			}
			silent = 0
		}
		f.mu.Unlock()
		if silent > 0 {
			f.log.Log(context.Background(), level, more, slog.Int("items", silent)) //nolint:sloglint // one of the constants of kindOf
		}
	}
	return next
}

// errorInLog returns what the log says of an error: with the stack if it was a panic.
func errorInLog(err error) []any {
	args := []any{slog.Any("error", err)}
	var caught *lifecycle.PanicError
	if errors.As(err, &caught) {
		args = append(args, slog.String("stack", string(caught.Stack)))
	}
	return args
}
