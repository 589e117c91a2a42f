//go:build unix

package faulttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/testserver"
)

// chaos is three workers and a store, to each of which something happens again and
// again: workers are killed and replaced, or stopped for a while and go on; the server
// crashes and comes back.
type chaos struct {
	t       *testing.T
	b       *bed
	server  *testserver.Postgres // nil for SQLite
	args    []string
	command func(i int) []string // of the worker in that place
	skew    func(i int) time.Duration
	random  *rand.Rand
	workers []*worker
	stop    time.Duration // the longest that a worker is stopped

	kills, stops, crashes int
	troubles              []trouble
	ahead                 map[int]time.Duration // the clock of a process

	mu       sync.Mutex
	accepted []int
	unknown  map[int]bool // whether they were is not known: the store did not answer
}

// trouble is a time in which a process, or all of them (0), could lose what it did.
type trouble struct {
	pid      int
	from, to time.Time
}

// setting returns an environment variable as a duration.
func setting(t *testing.T, name string, fallback time.Duration) time.Duration {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		d, err := time.ParseDuration(s)
		must(t, err)
		return d
	}
	return fallback
}

// STEAD_TEST_CHAOS is how long it lasts, STEAD_TEST_CHAOS_STOP how long a worker is
// stopped at most.
func TestChaosLosesNothingDoublesNoSlotAndExplainsEachSecondRun(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		newChaos(t, onSQLite(t, t.TempDir()), nil).run()
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := testserver.NewPostgres(t)
		newChaos(t, onPostgres(t, server.URL), server).run()
	})
	t.Run("ServerTenMinutesAhead", func(t *testing.T) {
		t.Parallel()
		server := testserver.NewPostgresAhead(t, 10*time.Minute)
		b := onPostgres(t, server.URL)
		now, err := b.column(t.Context(), "SELECT CAST(CAST(extract(epoch FROM now()) AS bigint) AS text)")
		must(t, err)
		if s, _ := strconv.ParseInt(now[0], 10, 64); time.Until(time.Unix(s, 0)) < 9*time.Minute {
			t.Fatalf("the server's clock says %s", now)
		}
		newChaos(t, b, server).run()
	})
	t.Run("WorkersTenMinutesApart", func(t *testing.T) {
		if os.Getenv("STEAD_TEST_CHAOS") == "" {
			t.Skip("by hand: to build the worker with another clock takes a minute")
		}
		t.Parallel()
		server := testserver.NewPostgres(t)
		c := newChaos(t, onPostgres(t, server.URL), server)
		skewed := skewedProgram(t)
		c.skew = func(i int) time.Duration { return time.Duration(i-1) * 10 * time.Minute }
		c.command = func(i int) []string {
			return []string{"env", fmt.Sprintf("STEAD_TEST_SKEW=%d", int(c.skew(i).Seconds())), skewed}
		}
		c.run()
	})
}

func newChaos(t *testing.T, b *bed, server *testserver.Postgres) *chaos {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &chaos{
		t: t, b: b, server: server, random: rand.New(rand.NewPCG(seed, 0)),
		args:    []string{"-work", "150ms", "-cron", "* * * * * *;*/3 * * * * *"},
		command: func(int) []string { return []string{program} },
		skew:    func(int) time.Duration { return 0 },
		stop:    setting(t, "STEAD_TEST_CHAOS_STOP", 4*time.Second),
		unknown: map[int]bool{}, ahead: map[int]time.Duration{},
	}
}

func (c *chaos) run() {
	t := c.t
	must(t, c.b.migrate(t.Context()))
	for i := range 3 {
		c.workers = append(c.workers, nil)
		c.begin(i)
	}
	for i := range c.workers {
		up(t, func() *worker { return c.attend(i) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), setting(t, "STEAD_TEST_CHAOS", 15*time.Second))
	defer cancel()
	var producer sync.WaitGroup
	producer.Go(func() { c.produce(ctx) })
	for ctx.Err() == nil {
		c.disturb()
		pause(ctx, time.Duration(300+c.random.IntN(900))*time.Millisecond)
	}
	producer.Wait()
	quiet := time.Now()
	until(t, "all that was accepted is completed", window+grace, func() bool {
		for i := range c.workers {
			c.attend(i)
		}
		return len(c.open()) == 0
	})
	took := time.Since(quiet)
	for i := range c.workers {
		up(t, func() *worker { return c.attend(i) }).finish()
	}
	c.judge(took)
}

// attend returns a worker, which it launches again if its start failed: the server may have
// crashed under it, or it was stopped for longer than a start waits.
func (c *chaos) attend(i int) *worker {
	if w := c.workers[i]; w.over() {
		if w.worked() {
			c.t.Errorf("a worker ended by itself: %s", tail(w.output(), 6000))
		}
		c.begin(i)
	}
	return c.workers[i]
}

func (c *chaos) begin(i int) {
	w := launchAs(c.t, c.command(i), c.b.arg, c.b.journal, c.args...)
	c.workers[i] = w
	c.ahead[w.cmd.Process.Pid] = c.skew(i)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// produce enqueues jobs until ctx ends. What it is not told about has an ID of its own.
func (c *chaos) produce(ctx context.Context) {
	for id := 0; ctx.Err() == nil; id++ {
		within, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		err := c.b.enqueue(within, "task", []int{id})
		cancel()
		c.mu.Lock()
		if err == nil {
			c.accepted = append(c.accepted, id)
		} else {
			c.unknown[id] = true
		}
		c.mu.Unlock()
		pause(ctx, 40*time.Millisecond)
	}
}

// disturb does one thing.
func (c *chaos) disturb() {
	i := c.random.IntN(len(c.workers))
	w := c.attend(i)
	pid, from := w.cmd.Process.Pid, time.Now()
	switch what := c.random.IntN(4); {
	case what == 0 && c.server != nil:
		c.crashes++
		c.server.Kill()
		time.Sleep(time.Duration(c.random.IntN(2000)) * time.Millisecond)
		c.server.Start()
		pid = 0
	case what <= 1:
		c.kills++
		w.kill()
		c.begin(i)
	default:
		c.stops++
		c.halt(w, time.Duration(c.random.Int64N(int64(c.stop))))
	}
	c.troubles = append(c.troubles, trouble{pid, from, time.Now()})
}

// halt stops a worker for a while. In the middle of a write to a file it would stop all
// the others as well, for longer than they wait.
func (c *chaos) halt(w *worker, d time.Duration) {
	const others = 3 * time.Second
	w.signal(syscall.SIGSTOP)
	for d > others && c.b.locked(c.t) {
		w.signal(syscall.SIGCONT)
		time.Sleep(20 * time.Millisecond)
		w.signal(syscall.SIGSTOP)
	}
	time.Sleep(d)
	w.signal(syscall.SIGCONT)
}

// open are the jobs in the store that have not come to their end.
func (c *chaos) open() []string {
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	list, err := c.b.column(ctx, "SELECT kind || ' ' || state FROM river_job WHERE state <> 'completed' AND kind = 'task'")
	if err != nil {
		return []string{err.Error()}
	}
	return list
}

func (c *chaos) judge(took time.Duration) {
	t := c.t
	runs := map[int][]entry{} // begins, by job
	ended := map[int]bool{}
	slotRuns := 0
	for _, e := range c.b.read(t) {
		e.at = e.at.Add(-c.ahead[e.pid])
		switch {
		case e.kind != "task":
			slotRuns++
		case e.what == "begin":
			runs[e.id] = append(runs[e.id], e)
		default:
			ended[e.id] = true
		}
	}
	var lost, foreign, again, unexplained []int
	for _, id := range c.accepted {
		if !ended[id] {
			lost = append(lost, id)
		}
	}
	for id, list := range runs {
		if !slices.Contains(c.accepted, id) && !c.unknown[id] {
			foreign = append(foreign, id)
		}
		if len(list) > 1 {
			again = append(again, id)
		}
		for n := range len(list) - 1 {
			if !c.explains(list[n], list[n+1]) {
				unexplained = append(unexplained, id)
			}
		}
	}
	doubled := 0
	for _, kind := range []string{"tick0", "tick1"} {
		doubled += c.doubled(kind)
	}
	t.Logf("%d jobs accepted, %d kills, %d stops, %d crashes of the server: lost %d, slots doubled %d of %d runs, begun more than once %d, unexplained %d, the rest done in %v",
		len(c.accepted), c.kills, c.stops, c.crashes, len(lost), doubled, slotRuns/2, len(again), len(unexplained), took.Round(10*time.Millisecond))
	if len(lost)+len(foreign)+len(unexplained)+doubled > 0 || len(c.accepted) == 0 {
		t.Errorf("lost %v, never enqueued %v, unexplained %v, slots doubled %d", lost, foreign, unexplained, doubled)
		for _, id := range unexplained {
			t.Logf("job %d: %+v", id, runs[id])
		}
		t.Logf("troubles: %+v", c.troubles)
	}
}

// explains reports whether something happened to the process of a run, or to the
// store, between the run and the next one of the same job.
func (c *chaos) explains(run, next entry) bool {
	const written = 200 * time.Millisecond // a begin is in the journal a little after the store knows of it
	return slices.ContainsFunc(c.troubles, func(x trouble) bool {
		return (x.pid == run.pid || x.pid == 0) && x.to.After(run.at.Add(-written)) && x.from.Before(next.at)
	})
}

// doubled counts the slots of a schedule with more than one job.
func (c *chaos) doubled(kind string) int {
	slot := "json_extract(metadata, '$.stead_slot')"
	if strings.HasPrefix(c.b.arg, "postgres://") {
		slot = "metadata->>'stead_slot'"
	}
	list, err := c.b.column(c.t.Context(), "SELECT "+slot+" FROM river_job WHERE kind = '"+kind+"' GROUP BY 1 HAVING count(*) > 1")
	must(c.t, err)
	all, err := c.b.column(c.t.Context(), "SELECT CAST(count(DISTINCT "+slot+") AS text) FROM river_job WHERE kind = '"+kind+"'")
	must(c.t, err)
	if len(all) != 1 || all[0] == "0" {
		c.t.Errorf("%s has no slots: %v", kind, all)
	}
	return len(list)
}
