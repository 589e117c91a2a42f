package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/gammazero/workerpool"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/steadgo/stead/channelq"
)

// Pool is a contender for running tasks on a number of workers. Submit may wait
// for room; Wait returns when everything submitted has run, and ends the pool.
type Pool interface {
	Submit(task func())
	Wait()
}

// PoolContender makes a pool.
type PoolContender struct {
	Name string
	Make func(workers int) Pool
}

// Pools are all contenders for running tasks.
func Pools() []PoolContender {
	return []PoolContender{
		{Reference, newChannelWorkers},
		{"channel+ctx", newSelectingWorkers},
		{Subject, newSteadWorkers},
		{"pond", func(n int) Pool { return pondPool{pond.NewPool(n)} }},
		{"ants", newAnts},
		{"workerpool", func(n int) Pool { return gammazero{workerpool.New(n)} }},
		{"conc", func(n int) Pool { return concPool{pool.New().WithMaxGoroutines(n)} }},
		{"errgroup", newErrgroup},
		{"goroutines", func(n int) Pool { return &plain{slots: make(chan struct{}, n)} }},
	}
}

// backlog is how many tasks wait in those pools that have a queue of their own.
const backlog = 1024

// channelWorkers are goroutines that range over a channel of functions.
type channelWorkers struct {
	tasks chan func()
	all   sync.WaitGroup
}

func newChannelWorkers(workers int) Pool {
	p := &channelWorkers{tasks: make(chan func(), backlog)}
	for range workers {
		p.all.Go(func() {
			for task := range p.tasks {
				task()
			}
		})
	}
	return p
}

func (p *channelWorkers) Submit(task func()) { p.tasks <- task }

func (p *channelWorkers) Wait() {
	close(p.tasks)
	p.all.Wait()
}

// selectingWorkers are channelWorkers that listen to a context too.
type selectingWorkers struct {
	ctx    context.Context
	cancel context.CancelFunc
	channelWorkers
}

func newSelectingWorkers(workers int) Pool {
	p := &selectingWorkers{channelWorkers: channelWorkers{tasks: make(chan func(), backlog)}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range workers {
		p.all.Go(func() {
			for {
				select {
				case task, ok := <-p.tasks:
					if !ok {
						return
					}
					task()
				case <-p.ctx.Done():
					return
				}
			}
		})
	}
	return p
}

func (p *selectingWorkers) Submit(task func()) {
	select {
	case p.tasks <- task:
	case <-p.ctx.Done():
	}
}

func (p *selectingWorkers) Wait() {
	p.channelWorkers.Wait()
	p.cancel()
}

// steadWorkers are channelq's Queue and Workers, with retries, panic capture and
// statistics as they come.
type steadWorkers struct {
	ctx    context.Context
	cancel context.CancelFunc
	q      *channelq.Queue[func()]
	w      *channelq.Workers[func()]
}

func newSteadWorkers(workers int) Pool {
	p := &steadWorkers{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	var err error
	if p.q, err = channelq.New(channelq.Config[func()]{Name: "bench", Capacity: backlog}); err != nil {
		panic(err)
	}
	run := func(_ context.Context, task func()) error { task(); return nil }
	p.w, err = channelq.NewWorkers(p.q, run, channelq.WorkerConfig[func()]{
		Concurrency: workers,
		Retry:       channelq.Retry{Attempts: 3},
	})
	if err != nil {
		panic(err)
	}
	if err := p.w.Start(p.ctx); err != nil {
		panic(err)
	}
	return p
}

func (p *steadWorkers) Submit(task func()) {
	if err := p.q.Enqueue(p.ctx, task); err != nil {
		panic(err)
	}
}

func (p *steadWorkers) Wait() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.w.Stop(ctx); err != nil {
		panic(err)
	}
	p.cancel()
}

type pondPool struct{ pond.Pool }

func (p pondPool) Submit(task func()) {
	if err := p.Go(task); err != nil {
		panic(err)
	}
}

func (p pondPool) Wait() { p.StopAndWait() }

type antsPool struct {
	*ants.Pool
	all *sync.WaitGroup
}

func newAnts(workers int) Pool {
	p, err := ants.NewPool(workers)
	if err != nil {
		panic(err)
	}
	return antsPool{p, &sync.WaitGroup{}}
}

func (p antsPool) Submit(task func()) {
	p.all.Add(1)
	if err := p.Pool.Submit(func() { defer p.all.Done(); task() }); err != nil {
		panic(err)
	}
}

func (p antsPool) Wait() {
	p.all.Wait()
	p.Release()
}

type gammazero struct{ *workerpool.WorkerPool }

func (p gammazero) Wait() { p.StopWait() }

type concPool struct{ *pool.Pool }

func (p concPool) Submit(task func()) { p.Go(task) }

type errgroupPool struct{ *errgroup.Group }

func newErrgroup(workers int) Pool {
	g := &errgroup.Group{}
	g.SetLimit(workers)
	return errgroupPool{g}
}

func (p errgroupPool) Submit(task func()) { p.Go(func() error { task(); return nil }) }

func (p errgroupPool) Wait() { _ = p.Group.Wait() }

// plain is a goroutine a task, at most so many at a time.
type plain struct {
	slots chan struct{}
	all   sync.WaitGroup
}

func (p *plain) Submit(task func()) {
	p.slots <- struct{}{}
	p.all.Go(func() {
		defer func() { <-p.slots }()
		task()
	})
}

func (p *plain) Wait() { p.all.Wait() }

// Tasks returns the time to submit and run a task on four workers: one that does
// nothing, or one that computes for a microsecond.
func Tasks(producers int, busy bool) Case {
	c := Case{Name: fmt.Sprintf("tasks/%dP4W/noop", producers), Columns: []string{"ns/task", "cpu ns/task"}}
	task, most := func() {}, 1.0
	if busy {
		c.Name = fmt.Sprintf("tasks/%dP4W/1us", producers)
		task, most = work(time.Microsecond), 1.03
	}
	for _, p := range Pools() {
		c.Entries = append(c.Entries, Entry{p.Name, perOp(func(tasks int) time.Duration {
			return RunTasks(p, producers, 4, tasks, task)
		})})
		if p.Name != Subject {
			c.Targets = append(c.Targets, Target{Against: p.Name, Max: most})
		}
	}
	return c
}

// RunTasks submits tasks to a new pool and returns the time until all have run.
func RunTasks(c PoolContender, producers, workers, tasks int, task func()) time.Duration {
	p := c.Make(workers)
	var all sync.WaitGroup
	start := time.Now()
	for i := range producers {
		all.Go(func() {
			for range share(tasks, producers, i) {
				p.Submit(task)
			}
		})
	}
	all.Wait()
	p.Wait()
	return time.Since(start)
}

// work is a function that computes for about d on this machine. It counts and
// does not look at the clock, which would cost as much as what it measures.
func work(d time.Duration) func() {
	compute := func(n int) uint64 {
		x := uint64(88172645463325252)
		for range n {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		return x
	}
	const sample = 2_000_000
	best := time.Hour
	for range 5 {
		start := time.Now()
		if compute(sample) == 0 {
			panic("bench: xorshift reached zero")
		}
		best = min(best, time.Since(start))
	}
	n := int(float64(sample) * float64(d) / float64(best))
	return func() {
		if compute(n) == 0 {
			panic("bench: xorshift reached zero")
		}
	}
}
