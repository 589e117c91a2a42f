//go:build unix

package faulttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
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
	leads    []int        // that have followers, the batch of which is there too
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
		args:    []string{"-work", "150ms", "-follow", "-cron", "* * * * * *;*/3 * * * * *"},
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
	var left []string
	said := quiet
	until(t, "all that was accepted is completed", window+grace, func() bool {
		for i := range c.workers {
			c.attend(i)
		}
		if left = c.open(); time.Since(said) > 10*time.Second && len(left) > 0 {
			said = time.Now()
			t.Logf("left: %v", left[:min(len(left), 20)])
		}
		return len(left) == 0
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
		if id%leadEvery == 0 {
			c.lead(id)
		}
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
		if c.halt(w, time.Duration(c.random.Int64N(int64(c.stop)))) {
			pid = 0
		}
	}
	c.troubles = append(c.troubles, trouble{pid, from, time.Now()})
}

// halt stops a worker for a while. In the middle of a write to a file it would stop all
// the others as well, for longer than they wait. It reports whether it did so for less.
func (c *chaos) halt(w *worker, d time.Duration) (all bool) {
	const others = 3 * time.Second
	w.signal(syscall.SIGSTOP)
	for all = c.b.locked(c.t); d > others && all; all = c.b.locked(c.t) {
		w.signal(syscall.SIGCONT)
		time.Sleep(20 * time.Millisecond)
		w.signal(syscall.SIGSTOP)
	}
	time.Sleep(d)
	w.signal(syscall.SIGCONT)
	return all
}
