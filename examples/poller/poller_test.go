package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/periodic"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// onEveryStore runs a test on a SQLite file and, where there is a server, on
// PostgreSQL, in a schema of its own.
func onEveryStore(t *testing.T, test func(t *testing.T, where string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "tasks 100%?.db")) })
	t.Run("PostgreSQL", func(t *testing.T) {
		server := os.Getenv("STEAD_TEST_POSTGRES")
		if server == "" {
			t.Skip("STEAD_TEST_POSTGRES is not set")
		}
		at, err := url.Parse(server)
		fatal(t, err)
		db, err := sql.Open("pgx", server)
		fatal(t, err)
		schema := "t" + strings.ToLower(rand.Text())
		_, err = db.Exec("CREATE SCHEMA " + schema)
		fatal(t, err)
		t.Cleanup(func() {
			_, err := db.Exec("DROP SCHEMA " + schema + " CASCADE")
			fatal(t, errors.Join(err, db.Close()))
		})
		query := at.Query()
		query.Set("search_path", schema)
		at.RawQuery = query.Encode()
		test(t, at.String())
	})
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open is the table as one process has it.
func open(t *testing.T, where string, lease time.Duration) *table {
	t.Helper()
	tasks, err := openTable(where, lease)
	fatal(t, err)
	fatal(t, tasks.Start(t.Context()))
	t.Cleanup(func() { fatal(t, tasks.Stop(context.Background())) })
	return tasks
}

func fill(t *testing.T, tasks *table, n int) {
	t.Helper()
	for i := range n {
		if isNew, err := tasks.add(t.Context(), fmt.Sprint("task ", i), "text", time.Now()); err != nil || !isNew {
			t.Fatal(isNew, err)
		}
	}
}

func TestNoTaskIsClaimedByTwoProcesses(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		const tasks, processes = 400, 6
		fill(t, open(t, where, time.Hour), tasks)
		var mu sync.Mutex
		times := map[string]int{}
		var all sync.WaitGroup
		for range processes {
			mine := open(t, where, time.Hour)
			all.Go(func() {
				for {
					claimed, err := mine.claim(t.Context(), 7)
					if err != nil || len(claimed) == 0 || len(claimed) > 7 {
						if err != nil || len(claimed) > 7 {
							t.Error(len(claimed), err)
						}
						return
					}
					mu.Lock()
					for _, c := range claimed {
						times[c.Key]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for key, n := range times {
			if n != 1 {
				t.Errorf("%s was claimed %d times", key, n)
			}
		}
		if len(times) != tasks {
			t.Errorf("%d of %d were claimed", len(times), tasks)
		}
	})
}

func TestTablesMadeByManyProcessesAtOnceAreOne(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		var all sync.WaitGroup
		for range 6 {
			mine, err := openTable(where, time.Hour)
			fatal(t, err)
			all.Go(func() {
				if err := errors.Join(mine.Start(t.Context()), mine.Stop(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestATaskIsAddedOnceByItsKey(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		tasks := open(t, where, time.Hour)
		for i := range 3 {
			if isNew, err := tasks.add(t.Context(), "key", fmt.Sprint("text ", i), time.Now()); err != nil || isNew != (i == 0) {
				t.Errorf("time %d: new %v, %v", i, isNew, err)
			}
		}
		if list, err := tasks.list(t.Context(), 10); err != nil || len(list) != 1 || list[0].Text != "text 0" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestATaskIsNotClaimedBeforeItIsDue(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		tasks := open(t, where, time.Hour)
		_, err := tasks.add(t.Context(), "tomorrow", "text", time.Now().Add(aDay))
		fatal(t, err)
		if claimed, err := tasks.claim(t.Context(), 10); err != nil || len(claimed) != 0 {
			t.Errorf("%+v, %v", claimed, err)
		}
	})
}

// A lease that is over when it begins stands for a process that died, or that
// took too long.
func TestWhoeverIsTooSlowLosesTheTaskAndCannotMarkIt(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		slow, quick := open(t, where, -time.Second), open(t, where, time.Hour)
		fill(t, slow, 1)
		first, err := slow.claim(t.Context(), 1)
		fatal(t, err)
		second, err := quick.claim(t.Context(), 1)
		fatal(t, err)
		if len(first) != 1 || len(second) != 1 || second[0].Attempts != 2 {
			t.Fatalf("%+v, then %+v", first, second)
		}
		for name, err := range map[string]error{
			"finish":    slow.finish(t.Context(), first[0], ""),
			"retry":     slow.retry(t.Context(), first[0], time.Now(), "late"),
			"give back": slow.giveBack(t.Context(), first[0]),
		} {
			if !errors.Is(err, errLost) {
				t.Errorf("%s: %v", name, err)
			}
		}
		fatal(t, quick.finish(t.Context(), second[0], ""))
		if list, err := quick.list(t.Context(), 1); err != nil || !list[0].Done || list[0].Due.After(time.Now()) {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func newPoller(tasks *table, deliver func(context.Context, task) error) *poller {
	return &poller{tasks: tasks, deliver: deliver, lease: time.Hour, log: slog.New(slog.DiscardHandler)}
}

func TestAFullBatchIsFollowedByTheNextAtOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		tasks := open(t, where, time.Hour)
		fill(t, tasks, 2*batch+1)
		done := 0
		p := newPoller(tasks, func(context.Context, task) error { done++; return nil })
		for i, want := range []struct {
			err  error
			done int
		}{{periodic.ErrAgain, batch}, {periodic.ErrAgain, 2 * batch}, {nil, 2*batch + 1}, {nil, 2*batch + 1}} {
			if err := p.poll(t.Context()); !errors.Is(err, want.err) || done != want.done {
				t.Errorf("run %d: %v with %d done", i, err, done)
			}
		}
	})
}

func TestAFailedTaskIsTriedAgainLaterAndInTheEndGivenUp(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		tasks := open(t, where, time.Hour)
		fill(t, tasks, 1)
		p := newPoller(tasks, func(context.Context, task) error { return errors.New("no answer") })
		for attempt := 1; attempt <= maxAttempts; attempt++ {
			before := time.Now()
			fatal(t, p.poll(t.Context()))
			list, err := tasks.list(t.Context(), 1)
			fatal(t, err)
			if last := attempt == maxAttempts; list[0].Attempts != attempt || list[0].Done != last || !strings.Contains(list[0].Error, "no answer") {
				t.Errorf("attempt %d: %+v", attempt, list[0])
			} else if delay := firstDelay << (attempt - 1); !last && list[0].Due.Before(before.Add(delay-time.Millisecond)) {
				t.Errorf("attempt %d: to be tried again after %v", attempt, list[0].Due.Sub(before))
			}
			_, err = tasks.exec(t.Context(), `UPDATE tasks SET due_at = 0`)
			fatal(t, err)
		}
	})
}

func TestWhatAStopLeavesOfABatchIsFreeAtOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		tasks := open(t, where, time.Hour)
		fill(t, tasks, batch)
		ctx, stop := context.WithCancelCause(t.Context())
		stopping := errors.New("stopping")
		p := newPoller(tasks, func(context.Context, task) error { stop(stopping); return nil })
		if err := p.poll(ctx); !errors.Is(err, stopping) {
			t.Errorf("%v", err)
		}
		claimed, err := tasks.claim(t.Context(), 2*batch)
		fatal(t, err)
		if len(claimed) != batch-1 || claimed[0].Attempts != 1 {
			t.Errorf("%d are free: %+v", len(claimed), claimed)
		}
	})
}

func TestAReceiverThatDoesNotAnswerKeepsNoStopWaiting(t *testing.T) {
	asked := make(chan struct{}, 1)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or else nothing tells that the client has gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer stuck.Close()
	tasks := open(t, "sqlite:"+filepath.Join(t.TempDir(), "tasks.db"), time.Hour)
	fill(t, tasks, 3)
	p := &poller{tasks: tasks, deliver: deliverTo(stuck.URL), lease: time.Hour, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	polled := make(chan error, 1)
	go func() { polled <- p.poll(ctx) }()
	<-asked
	cancel()
	if err := <-polled; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
	list, err := tasks.list(t.Context(), 10)
	fatal(t, err)
	attempts := 0
	for _, left := range list {
		if attempts += left.Attempts; left.Done || time.Until(left.Due) > time.Minute {
			t.Errorf("%+v", left)
		}
	}
	if len(list) != 3 || attempts != 1 {
		t.Errorf("%d tasks and %d attempts", len(list), attempts)
	}
}
