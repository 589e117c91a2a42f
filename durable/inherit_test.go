package durable_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
)

// lines is a log that is written and read at the same time.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestJobsWithoutALoggerInheritTheHostsAlsoWhenTheirClientWasMadeBefore(t *testing.T) {
	var log lines
	host := hosted.New(hosted.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	jobs, err := durable.New(openSQLite(t).store, durable.Config{PollInterval: 20 * time.Millisecond})
	must(t, err)
	over := make(chan struct{})
	q := newQueue(t, jobs, "half", func(context.Context, halfMail) error { return errors.New("no such mailbox") },
		durable.QueueConfig[halfMail]{
			Retry:    channelq.Retry{Attempts: 1},
			OnGiveUp: func(context.Context, halfMail, error) { close(over) },
		})
	must(t, q.Enqueue(t.Context(), halfMail{To: "ada"})) // makes the client
	host.Add("jobs", jobs)
	must(t, host.Start(t.Context()))
	receive(t, over)
	must(t, host.Stop(context.Background()))
	for _, want := range []string{
		`msg="unexported fields are not stored" service=jobs queue=half fields=[token]`,
		`msg="job given up" service=jobs queue=half`, `msg="jobs stopped" service=jobs`,
		`level=DEBUG msg="River client started"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
}
