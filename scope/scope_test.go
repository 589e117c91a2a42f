package scope_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/scope"
)

// recorder opens scopes and notes how each was closed.
type recorder struct {
	opened   int
	outcomes []error
	closing  func(outcome error) error
}

func (r *recorder) open(context.Context) (int, func(error) error, error) {
	r.opened++
	return r.opened, func(outcome error) error {
		r.outcomes = append(r.outcomes, outcome)
		if r.closing != nil {
			return r.closing(outcome)
		}
		return nil
	}, nil
}

func fails(err error) func(context.Context, int) error {
	return func(context.Context, int) error { return err }
}

func TestEveryAttemptIsOpenedAndClosedOnceWithItsOutcome(t *testing.T) {
	var r recorder
	results := []error{io.EOF, io.ErrNoProgress, nil}
	handle := scope.Handler(r.open, func(_ context.Context, s int, want error) error {
		if s != r.opened || len(r.outcomes) != s-1 {
			t.Errorf("scope %d of %d, %d closed", s, r.opened, len(r.outcomes))
		}
		return want
	})
	for i, want := range results {
		if got := handle(t.Context(), want); got != want { //nolint:errorlint // as it is, not wrapped
			t.Errorf("attempt %d: %v, want %v", i, got, want)
		}
		if len(r.outcomes) != i+1 || r.outcomes[i] != want { //nolint:errorlint // as above
			t.Errorf("attempt %d: closed with %v", i, r.outcomes)
		}
	}
}

func TestAnErrorOfClosingIsAnErrorOfTheWork(t *testing.T) {
	for name, c := range map[string]struct {
		work    error
		closing func(error) error
		want    []error
		text    string
	}{
		"commit fails":             {nil, func(error) error { return io.ErrClosedPipe }, []error{io.ErrClosedPipe}, io.ErrClosedPipe.Error()},
		"rollback fails too":       {io.EOF, func(error) error { return io.ErrClosedPipe }, []error{io.EOF, io.ErrClosedPipe}, "EOF\nio: read/write on closed pipe"},
		"close hands back":         {io.EOF, func(err error) error { return err }, []error{io.EOF}, "EOF"},
		"close panics with error":  {io.EOF, func(error) error { panic(io.ErrShortWrite) }, []error{io.EOF, io.ErrShortWrite}, "EOF\npanic: short write"},
		"close panics after a nil": {nil, func(error) error { panic("boom") }, nil, "panic: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			r := recorder{closing: c.closing}
			err := scope.Run(r.open, fails(c.work))(t.Context())
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v is not %v", err, want)
				}
			}
			if err == nil || err.Error() != c.text {
				t.Errorf("got %v, want %q", err, c.text)
			}
			if len(r.outcomes) != 1 {
				t.Errorf("closed %d times", len(r.outcomes))
			}
		})
	}
}

func TestAFailedOpenRunsNeitherTheWorkNorTheClose(t *testing.T) {
	open := func(context.Context) (int, func(error) error, error) {
		return 0, func(error) error { t.Error("closed"); return nil }, io.EOF
	}
	err := scope.Run(open, func(context.Context, int) error { t.Error("worked"); return nil })(t.Context())
	if err != io.EOF { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
}

func TestNothingToCloseIsFine(t *testing.T) {
	open := func(context.Context) (string, func(error) error, error) { return "s", nil, nil }
	for _, want := range []error{nil, io.EOF} {
		err := scope.Run(open, func(context.Context, string) error { return want })(t.Context())
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestAPanicClosesWithItsErrorAndStack(t *testing.T) {
	var r recorder
	err := scope.Run(r.open, func(context.Context, int) error { explode(); return nil })(t.Context())
	var caught *lifecycle.PanicError
	if !errors.As(err, &caught) || caught.Value != "boom" || !strings.Contains(string(caught.Stack), "explode") {
		t.Fatalf("got %v, want a panic error with the stack of explode", err)
	}
	if len(r.outcomes) != 1 || !errors.Is(r.outcomes[0], err) {
		t.Errorf("closed with %v, want %v", r.outcomes, err)
	}
}

func explode() { panic("boom") }

func TestGoexitClosesWithAnError(t *testing.T) {
	var r recorder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = scope.Run(r.open, func(context.Context, int) error { runtime.Goexit(); return nil })(t.Context())
		t.Error("the goroutine outlived its Goexit")
	}()
	<-ended
	if len(r.outcomes) != 1 || !errors.Is(r.outcomes[0], lifecycle.ErrGoexit) {
		t.Errorf("closed with %v, want ErrGoexit", r.outcomes)
	}
}

func TestWorkThatOutlivesItsContextIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		handle := scope.Handler(r.open, func(_ context.Context, _ int, d time.Duration) error {
			time.Sleep(d) // does not look at ctx, and returns nil
			return nil
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, io.ErrNoProgress)
		defer cancel()
		if err := handle(ctx, time.Second/2); err != nil {
			t.Fatal(err)
		}
		err := handle(ctx, time.Second)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("got %v, want the end of the context and its cause", err)
		}
		if len(r.outcomes) != 2 || r.outcomes[0] != nil || !errors.Is(r.outcomes[1], context.DeadlineExceeded) {
			t.Errorf("closed with %v", r.outcomes)
		}
	})
}

func TestATransactionCommitsOnNilOnly(t *testing.T) {
	log := &ledger{}
	db := log.open(t)
	insert := func(result error) error {
		return scope.Run(scope.Tx(db, nil), func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "insert"); err != nil {
				return err
			}
			return result
		})(t.Context())
	}
	if err := insert(nil); err != nil {
		t.Error(err)
	}
	log.want(t, "begin", "insert", "commit")
	if err := insert(io.EOF); err != io.EOF { //nolint:errorlint // as it is
		t.Error(err)
	}
	log.want(t, "begin", "insert", "rollback")

	log.commit, log.rollback = io.ErrShortWrite, io.ErrClosedPipe
	if err := insert(nil); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("failed commit: %v", err)
	}
	if err := insert(io.EOF); !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("failed rollback: %v", err)
	}
	log.begin = io.ErrNoProgress
	if err := insert(nil); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("failed begin: %v", err)
	}
}

func TestATransactionWhoseContextEndsIsRolledBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &ledger{}
		db := log.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := scope.Run(scope.Tx(db, nil), func(context.Context, *sql.Tx) error {
			cancel()
			return nil
		})(ctx)
		if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "roll back") {
			t.Errorf("got %v, want the cancellation alone", err)
		}
		synctest.Wait() // database/sql may be rolling back on a goroutine of its own
		log.want(t, "begin", "rollback")
	})
}

func BenchmarkHandler(b *testing.B) {
	open := func(context.Context) (int, func(error) error, error) { return 1, func(error) error { return nil }, nil }
	handle := scope.Handler(open, func(context.Context, int, int) error { return nil })
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_ = handle(ctx, 1)
	}
}
