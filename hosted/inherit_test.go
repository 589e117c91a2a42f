package hosted_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// heir is a fake that logs to what it inherited, without any guard: the host has
// to call InheritLogger before everything else.
type heir struct {
	hooked
	log *slog.Logger
}

func (s *heir) InheritLogger(l *slog.Logger) { s.log = l }

// newHeir logs its name in its hooks and its start.
func newHeir(name string) *heir {
	s := &heir{}
	say := func(op string) func(context.Context) error {
		return func(context.Context) error {
			if s.log != nil {
				s.log.Info("heir called", "op", op, "service", name)
			}
			return nil
		}
	}
	s.start, s.starting = say("up"), say("starting")
	return s
}

// failingWorkers fail every item; a nil logger is what is tested.
func failingWorkers(t *testing.T, name string, l *slog.Logger) (*channelq.Queue[int], *channelq.Workers[int]) {
	t.Helper()
	q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return errBoom }, channelq.WorkerConfig[int]{Concurrency: 1, Logger: l})
	if err != nil {
		t.Fatal(err)
	}
	return q, w
}

func enqueues(t *testing.T, q *channelq.Queue[int]) {
	t.Helper()
	if err := q.TryEnqueue(1); err != nil {
		t.Fatal(err)
	}
}

func wantLines(t *testing.T, log *logged, part string, n int) {
	t.Helper()
	if got := log.matching(part); len(got) != n {
		t.Errorf("%d lines of %q, want %d, in %q", len(got), part, n, log.to.all())
	}
}

func TestFailuresOfAQueueAndAJobWithoutALoggerAreInTheHostsLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		ownLog, own := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		emails, workers := failingWorkers(t, "emails", nil)
		silent, silentWorkers := failingWorkers(t, "silent", slog.New(slog.DiscardHandler))
		apart, apartWorkers := failingWorkers(t, "apart", own)
		clicks, err := channelq.New(channelq.Config[int]{Name: "clicks", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		batches, err := channelq.NewBatcher(clicks, func(context.Context, []int) error { return errBoom }, channelq.BatchConfig[int]{})
		if err != nil {
			t.Fatal(err)
		}
		job, err := periodic.New(periodic.Config{Name: "sweep", Schedule: periodic.Every(time.Minute), RunAtStart: true}, failing(errBoom))
		if err != nil {
			t.Fatal(err)
		}
		h.Add("emails", wrapper{workers})
		h.Add("silent", silentWorkers)
		h.Add("apart", apartWorkers)
		h.Add("clicks", batches)
		h.Add("sweep", job)
		starts(t, h)
		for _, q := range []*channelq.Queue[int]{emails, silent, apart, clicks} {
			enqueues(t, q)
		}
		pass(time.Second)
		stops(t, h)
		wantLines(t, log, "ERROR item given up queue=emails error=boom", 1)
		wantLines(t, log, "ERROR item given up queue=clicks error=boom", 1)
		wantLines(t, log, "WARN run failed job=sweep", 1)
		wantLines(t, log, "queue=silent", 0)
		wantLines(t, log, "queue=apart", 0)
		wantLines(t, ownLog, "ERROR item given up queue=apart error=boom", 1)
	})
}

func TestEachInstanceOfFreshInheritsTheLogger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		n := 0
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			n++
			s := newHeir("s")
			s.starting = nil // a Fresh has none yet
			if n == 1 {
				e := &struct {
					*heir
					*ender
				}{s, &ender{make(chan struct{})}}
				time.AfterFunc(time.Second, func() { close(e.done) })
				return e, nil
			}
			return wrapper{s}, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, h)
		pass(time.Minute)
		stops(t, h)
		wantLines(t, log, "INFO heir called op=up service=s", 2)
	})
}

// ender ends with errBoom when its channel is closed.
type ender struct{ done chan struct{} }

func (e *ender) Done() <-chan struct{} { return e.done }
func (e *ender) Err() error            { return errBoom }

func TestANestedHostInheritsTheLoggerUnlessItHasOne(t *testing.T) {
	log, logger := newLog()
	outer := hosted.New(hosted.Config{Name: "outer", Logger: logger})
	inner := hosted.New(hosted.Config{Name: "inner"})
	silent := hosted.New(hosted.Config{Name: "silent", Logger: slog.New(slog.DiscardHandler)})
	inner.Add("a", newHeir("a"))
	silent.Add("b", newHeir("b"))
	outer.Add("inner", inner)
	outer.Add("silent", silent)
	starts(t, outer)
	stops(t, outer)
	wantLines(t, log, "INFO host started host=inner", 1)
	wantLines(t, log, "INFO heir called op=up service=a", 1)
	wantLines(t, log, "silent", 1) // the line of its end in the outer host
	wantLines(t, log, "service=b", 0)
}

func TestTheLoggerComesBeforeTheFirstHookInEveryWayToStart(t *testing.T) {
	for way, start := range map[string]func(ctx context.Context, h *hosted.Host) error{
		"Start": func(ctx context.Context, h *hosted.Host) error {
			if err := h.Start(ctx); err != nil {
				return err
			}
			return h.Stop(ctx)
		},
		"Run": func(ctx context.Context, h *hosted.Host) error {
			time.AfterFunc(time.Second, func() { h.Lifetime().Stop(errWhy) })
			return h.Run(ctx)
		},
		"RunTask": func(ctx context.Context, h *hosted.Host) error {
			return h.RunTask(ctx, failing(nil), "s")
		},
		"nested": func(ctx context.Context, h *hosted.Host) error {
			outer := hosted.New(hosted.Config{})
			outer.Add("h", h)
			return outer.RunTask(ctx, failing(nil), "h")
		},
	} {
		t.Run(way, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, logger := newLog()
				h := hosted.New(hosted.Config{Logger: logger})
				h.Add("s", newHeir("s"))
				h.Add("other", newHeir("other"))
				wantNil(t, start(t.Context(), h))
				wantLines(t, log, "INFO heir called op=starting service=s", 1)
				wantLines(t, log, "INFO heir called op=up service=s", 1)
				if way == "RunTask" {
					wantLines(t, log, "service=other", 0)
				}
			})
		})
	}
}

func TestAWatchedQueueInheritsTheLogger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		q, err := channelq.New(channelq.Config[int]{Name: "clicks", Capacity: 1, OnFull: channelq.DropOldest, OnDrop: func(int, channelq.DropReason) { panic(io.EOF) }})
		if err != nil {
			t.Fatal(err)
		}
		h.Go("reader", idle, hosted.Watch(q))
		starts(t, h)
		enqueues(t, q)
		enqueues(t, q)
		if _, err := q.TryDequeue(); err != nil {
			t.Error(err)
		}
		stops(t, h)
		wantLines(t, log, "ERROR drop callback panicked queue=clicks", 1)
	})
}

func TestAServiceThatPanicsWhenItInheritsFailsTheStartByName(t *testing.T) {
	_, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("s", &exploding{})
	wantServiceError(t, h.Start(t.Context()), "s", "inherit logger")
	wantState(t, h, "s", lifecycle.New)
}

type exploding struct{ fake }

func (*exploding) InheritLogger(*slog.Logger) { panic("at the will") }

func TestWithoutALoggerNothingIsInherited(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("s", &exploding{})
	starts(t, h)
	stops(t, h)
}
