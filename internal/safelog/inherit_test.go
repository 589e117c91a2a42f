package safelog_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/steadgo/stead/internal/safelog"
)

func text(out *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(out, nil)) }

func TestALogInheritsOnceAndOnlyIfItHasNone(t *testing.T) {
	var own, first, second bytes.Buffer
	has := safelog.NewLog(text(&own), "queue", "a")
	none := safelog.NewLog(nil, "queue", "b")
	derived := none.With("job", 7).WithGroup("g")
	none.Info("before")
	for _, l := range []safelog.Log{has, none} {
		l.Inherit(nil)
		l.Inherit(text(&first))
		l.Inherit(text(&second))
		l.Info("after")
	}
	derived.Info("derived", "n", 1)
	if got := own.String(); !strings.Contains(got, "msg=after queue=a") {
		t.Errorf("with a logger of its own it logged %q to that", got)
	}
	got := first.String()
	for _, want := range []string{"msg=after queue=b", "msg=derived queue=b job=7 g.n=1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "before") || strings.Contains(got, "queue=a") || second.Len() > 0 {
		t.Errorf("too much was logged: %q, %q", got, second.String())
	}
	if has.Source() == nil || none.Source() == nil || safelog.NewLog(nil).Source() != nil {
		t.Error("the source is wrong")
	}
}

func TestALogDiscardsUntilItInherits(t *testing.T) {
	l := safelog.NewLog(nil)
	if l.Enabled(t.Context(), slog.LevelError) {
		t.Error("it is enabled")
	}
	if err := l.Handler().Handle(t.Context(), slog.Record{}); err != nil {
		t.Error(err)
	}
}

func TestALogIsUsedWhileItInherits(t *testing.T) {
	l := safelog.NewLog(nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				l.With("a", 1).Info("hello")
			}
		})
	}
	l.Inherit(slog.New(slog.DiscardHandler))
	all.Wait()
}

func TestAnInheritedHandlerThatPanicsLosesItsRecordOnly(t *testing.T) {
	for _, method := range []string{"Enabled", "Handle", "WithAttrs", "WithGroup"} {
		var out bytes.Buffer
		l := safelog.NewLog(nil)
		l.Inherit(slog.New(faulty{slog.NewTextHandler(&out, nil), method}))
		l.With("a", 1).WithGroup("g").Error("hello")
	}
}
