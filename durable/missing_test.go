package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// absent is a process that was killed: the store knows its horizon, and what it held.
func absent[TTx any](t *testing.T, e env[TTx]) {
	ids := crashed(t, e, "held", 30)
	must(t, store.Of(e.store).Announce(t.Context(), lifecycle.Instance{ID: "the dead", Host: "web-7", Since: time.Now()}, 10*time.Minute))
	cfg := quick(durable.EnqueueAndWork)
	said := &log{}
	cfg.Logger = textLogger(said)
	jobs, err := durable.New(e.store, cfg)
	must(t, err)
	q := newQueue(t, jobs, "held", nothing[int], durable.QueueConfig[int]{})
	lookTwice(t, jobs)
	if line := said.line("holds jobs"); line != "" {
		t.Errorf("one that was seen just now is missing: %s", line)
	}
	must(t, e.exec(t.Context(), e.age))
	lookTwice(t, jobs)
	if said.line("level=WARN", "not seen any more holds jobs", "queue=held", "jobs=30", "host=web-7", "unseen=1m", "freed_from=") == "" {
		t.Errorf("nobody was told: %s", said.line())
	}
	// It is held for as long as that process would have had, whoever shows it.
	list := q.Jobs("running")
	if len(list) != 30 {
		t.Fatalf("%d are shown as running", len(list))
	}
	if list[0].RescueAt.Before(time.Now().Add(6 * time.Minute)) {
		t.Errorf("shown as held until %v", list[0].RescueAt)
	}
	until(t, "all are deserted", func() bool { n, _ := q.Deserted(); return n == 30 })
	if _, freed := q.Deserted(); freed.Before(time.Now().Add(6 * time.Minute)) {
		t.Errorf("they are deserted until %v", freed)
	}
	must(t, e.exec(t.Context(), "UPDATE river_job SET attempted_at='"+utc(-11*time.Minute)+"'"))
	lookTwice(t, jobs)
	said.mu.Lock()
	defer said.mu.Unlock()
	text := said.buf.String()
	if n := strings.Count(text, "holds jobs"); n != 1 {
		t.Errorf("said %d times", n)
	}
	if !strings.Contains(text, "lost jobs rescued") || !strings.Contains(text, fmt.Sprintf("%d]", ids[19])) || strings.Contains(text, fmt.Sprintf(" %d]", ids[29])) {
		t.Errorf("the first 20 of 30 are not named: %s", text)
	}
}

func deafToTheStop(release chan struct{}) { <-release }

func TestAHostNamesADurableHandlerThatIgnoresTheStopWithItsStack(t *testing.T) {
	e := openSQLite(t)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, release := make(chan struct{}), make(chan struct{})
	q := newQueue(t, jobs, "deaf", func(context.Context, int) error {
		close(begun)
		deafToTheStop(release)
		return nil
	}, durable.QueueConfig[int]{})
	// The last tenth of a second is for saying who did not stop, too little beside other tests.
	host := hosted.New(hosted.Config{ShutdownTimeout: 3 * time.Second})
	host.Add("jobs", jobs)
	ctx, cancel := context.WithCancel(t.Context())
	host.Add("test", hosted.Loop(func(ctx context.Context) error {
		if err := q.Enqueue(ctx, 1); err != nil {
			return err
		}
		<-begun
		cancel()
		<-ctx.Done()
		return nil
	}))
	err := host.Run(ctx)
	var timeout *hosted.TimeoutError
	if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 {
		t.Fatalf("%v", err)
	}
	if s := timeout.Stragglers[0]; s.Service != "jobs" || s.Calls != 1 || !strings.Contains(s.Stacks, "deafToTheStop") {
		t.Errorf("%+v", s)
	}
	close(release)
	client, err := jobs.Client()
	must(t, err)
	receive(t, client.Stopped())
}
