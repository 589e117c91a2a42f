package hosted_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// blocking is a log handler that blocks in one of its methods until it is opened.
type blocking struct {
	*logged
	in   string
	from string // the first message that blocks
	open chan struct{}
}

func (b *blocking) Enabled(ctx context.Context, l slog.Level) bool {
	if b.in == "Enabled" {
		<-b.open
	}
	return b.logged.Enabled(ctx, l)
}

func (b *blocking) Handle(ctx context.Context, r slog.Record) error {
	if b.in == "Handle" && strings.HasPrefix(r.Message, b.from) {
		<-b.open
	}
	return b.logged.Handle(ctx, r)
}

func (b *blocking) WithAttrs([]slog.Attr) slog.Handler { return b }

// troubledLife has something to log in every part of its life.
func troubledLife(l *slog.Logger) *hosted.Host {
	h := hosted.New(hosted.Config{Logger: l, ShutdownTimeout: 4 * time.Second, DrainDelay: 100 * time.Millisecond})
	h.Add("slow", &fake{stop: after(2500*time.Millisecond, errOther)})
	h.Go("flaps", failing(errBoom), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: 1})))
	h.Go("optional", failing(errBoom), hosted.OnFailure(hosted.Ignore()))
	return h
}

// Whichever line is the first to block, in whichever method, the host stops within its
// budget, and the lines are all there in order once the handler is back.
func TestALogHandlerThatBlocksHoldsNoPartOfTheStopUp(t *testing.T) {
	var lines []string
	bubble(t, func(t *testing.T) {
		log, l := newLog()
		_ = troubledLife(l).Run(t.Context())
		lines = log.all()
	})
	if len(lines) < 8 {
		t.Fatalf("only %q", lines)
	}
	message := func(line string) string {
		_, rest, _ := strings.Cut(line, " ")
		return rest
	}
	first := []string{""}
	for _, line := range lines {
		word, _, _ := strings.Cut(message(line), " host=")
		first = append(first, word)
	}
	for _, in := range []string{"Handle", "Enabled"} {
		for _, from := range slices.Compact(first) {
			t.Run(in+" "+from, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					log, _ := newLog()
					b := &blocking{log, in, from, make(chan struct{})}
					began := time.Now()
					h := troubledLife(slog.New(b))
					asked := make(chan time.Time, 1)
					go func() { <-h.Lifetime().Stopping(); asked <- time.Now() }()
					_ = h.Run(t.Context())
					at := <-asked
					within(t, at, 4*time.Second)
					if late := at.Sub(began); late > 2*time.Second {
						t.Errorf("the failure asked for the stop after %v", late)
					}
					close(b.open)
					synctest.Wait()
					got := log.all()
					var stopping, stopped int
					for i, line := range got {
						switch {
						case strings.Contains(line, "host stopping"):
							stopping = i
						case strings.Contains(line, "host stopped"):
							stopped = i
						}
					}
					if len(got) < len(lines) || stopped != len(got)-1 || stopping == 0 || stopping > stopped {
						t.Errorf("got %s", strings.Join(got, "\n"))
					}
				})
			})
		}
	}
}
