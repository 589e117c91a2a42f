//go:build unix

package faulttest_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/internal/testserver"
)

// The rescue window is far longer than the test, so that nothing runs twice
// unless it is given back: the outcome of a handler that ended while the database
// was away has to be written afterwards.
func TestJobsCompleteOnceAlthoughPostgresCrashedUnderThem(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	rounds(t, 1, func(t *testing.T) {
		const away = 5 * time.Second
		n := 60
		server := testserver.NewPostgres(t)
		b := onPostgres(t, server.URL)
		must(t, b.migrate(t.Context()))
		b.tasks(t, 0, n)
		w := start(t, b, "-work", "500ms", "-timeout", "1m", "-rescue", "10m")
		n = b.busy(t, w, "task", 0, n)
		hand := b.inHand(t, w)
		server.Kill()
		time.Sleep(away)
		ended := len(hand) - len(b.inHand(t, w))
		server.Start()
		back := time.Now()
		took := b.completed(t, "task", n, patience)
		w.finish()
		y := b.judge(t, "task", span(0, n))
		t.Logf("away for %v with %d jobs in hand, of which %d ended meanwhile: lost %d, ended twice %d, all %d done %v after it was back (%v)",
			away, len(hand), ended, len(y.lost), len(y.again), n, took.Round(10*time.Millisecond), back.Format(time.TimeOnly))
		if len(y.again) > 0 || y.runs != n {
			t.Errorf("ended twice %v, begun %d times", y.again, y.runs)
		}
	})
}

func TestWorkGoesOnAfterTheNetworkToPostgresWasCut(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	const away = 12 * time.Second
	n := 60
	b := onPostgres(t, database(t))
	must(t, b.migrate(t.Context()))
	b.tasks(t, 0, n)
	way := newNetwork(t, b.arg)
	w := up(t, func() *worker {
		return launchAs(t, append(way.command, program), way.url, b.journal, "-work", "500ms", "-timeout", "1m", "-rescue", "2m")
	})
	n = b.busy(t, w, "task", 0, n)
	way.away(away)
	took := b.completed(t, "task", n, 5*time.Minute)
	w.finish()
	y := b.judge(t, "task", span(0, n))
	t.Logf("cut for %v by %s: lost %d, ended twice %d, all %d done %v after it was back", away, way.how, len(y.lost), len(y.again), n, took.Round(10*time.Millisecond))
}

// Nobody listens, or somebody listens and says nothing: an error either way, in
// time, and nothing is left running.
func TestStartFailsInTimeWhenPostgresIsAwayAndLeavesNothing(t *testing.T) {
	testserver.Wanted(t)
	before := goleak.IgnoreCurrent()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	for what, addr := range map[string]string{"nobody listens": "127.0.0.1:1", "somebody says nothing": silent.Addr().String()} {
		const within = 2 * time.Second
		s, err := postgres.Open(t.Context(), "postgres://postgres@"+addr+"/postgres?sslmode=disable")
		must(t, err)
		jobs, err := durable.New(s, durable.Config{})
		must(t, err)
		_, err = durable.NewQueue(jobs, "task", func(context.Context, task) error { return nil }, durable.QueueConfig[task]{})
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), within)
		begun := time.Now()
		err = jobs.Start(ctx)
		cancel()
		t.Logf("%s: after %v: %v", what, time.Since(begun).Round(time.Millisecond), err)
		if err == nil || !strings.Contains(err.Error(), "does not answer") || time.Since(begun) > within+20*time.Second {
			t.Errorf("%s: %v after %v", what, err, time.Since(begun))
		}
		must(t, jobs.Stop(t.Context()))
		must(t, s.Close())
	}
	must(t, silent.Close())
	until(t, "nothing is left", patience, func() bool { return goleak.Find(before) == nil })
}

// What a process knew of the store before is no news of it: while it is away all that
// asks has to be told so.
func TestAnOutageOfPostgresIsKnownWhileItLasts(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	server := testserver.NewPostgres(t)
	s, err := postgres.Open(t.Context(), server.URL)
	must(t, err)
	defer func() { _ = s.Close() }()
	must(t, durable.Migrate(t.Context(), s))
	jobs, err := durable.New(s, durable.Config{Mode: durable.EnqueueOnly})
	must(t, err)
	_, err = durable.NewQueue[task](jobs, "task", nil, durable.QueueConfig[task]{})
	must(t, err)
	must(t, jobs.Start(t.Context()))
	begun := time.Now()
	server.Kill()
	until(t, "the outage is known", patience, func() bool { _, err := jobs.Outage(); return err != nil })
	since, err := jobs.Outage()
	t.Logf("known after %v: %v", time.Since(begun).Round(time.Millisecond), err)
	if since.Before(begun.Add(-10 * time.Second)) { // the check that failed may have been on
		t.Errorf("since %v, before the server went away at %v", since, begun)
	}
	server.Start()
	back := time.Now()
	until(t, "the end of the outage is known", patience, func() bool { _, err := jobs.Outage(); return err == nil })
	t.Logf("its end %v after it was back", time.Since(back).Round(time.Millisecond))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, jobs.Stop(ctx))
}
