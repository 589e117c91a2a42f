package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/lifecycle"
)

// Jobs runs the jobs of a store as a hosted service. Create it with [New], add queues
// with [NewQueue], then start it. TTx is the type of the store's transactions. Jobs is
// safe for concurrent use.
type Jobs[TTx any] struct {
	core

	typed *typed[TTx]
}

// core is all of [Jobs] that does not depend on the type of the transactions.
type core struct {
	cfg    Config
	store  store.Store
	schema string // see store.Store
	where  string // the store is, for the log; empty if it does not say
	engine engine
	log    safelog.Log
	// The log was told that the store was closed.
	closedSaid atomic.Bool

	mu        sync.Mutex
	queues    []registered // until the client is made
	schedules []*entry     // that Every added
	scheduler scheduler    // that runs them
	client    riverClient  // nil until first needed
	life      life
	tried     chan struct{} // closed when Start has come to an end; nil before it begins
	begun     time.Time     // when the client was started; zero if it was not

	ending   context.Context // done when a stop begins
	endNow   context.CancelFunc
	cut      context.Context // done when a stop cancels the handlers
	cutNow   context.CancelFunc
	leaving  context.Context // done when a stop has ended
	leaveNow context.CancelFunc
	stopped  chan struct{} // closed when the first Stop returns
	stopErr  error         // readable once stopped is closed
	running  running

	held     *held // nil for a store that locks no rows
	agenda   agenda
	clock    clock
	sight    sight
	disowned disowned
	stacks   stacks
	upkeep   upkeep
	recorder recorder
	looking  sync.Mutex      // is held by the rescue
	said     map[string]bool // processes of which the log was told that they are missing
	suspects map[int64]int   // attempts that the last look of the rescue found, by job

	health    health
	waker     *waker
	beat      time.Duration // between two signs of life
	share     int           // see verifyShare
	counts    glance[[]store.Count]
	instances glance[[]lifecycle.Instance]
	missing   glance[[]store.Missing]
	slots     glance[map[string]*rivertype.JobRow] // of the schedules, by unique key
	seen      glance[[]store.Place]                // of the schedules
	left      chan struct{}                        // closed when the store need not list this process any more; nil if it never did
}

// registered is what Jobs needs to know of a queue without its element type.
type registered struct {
	kind        string
	concurrency int // 0 if this process does not work it
	limits      limits
	keep        time.Duration // completed jobs; 0 if as all others
	timeout     time.Duration // how long this process may hold a job
	queue       interface{ Name() string }
	addTo       func(*river.Workers)
	delay       func(attempt int) time.Duration // until the next one
	lost        func(*rivertype.JobRow)
	fromJSON    func(json.RawMessage) (payload, *river.InsertOpts, error)
	books       *books
	unstored    []string // fields of which the log is to be told when it begins
}

// New makes the service; it does not touch the store. The store stays the
// caller's, who closes it after the stop.
func New[TTx any](s Store[TTx], cfg Config) (*Jobs[TTx], error) {
	if nils.Is(s) {
		return nil, errors.New("stead/durable: new: the store is nil")
	}
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("stead/durable: new %q: %w", cfg.Name, err)
	}
	e := &typed[TTx]{store: store.Of(s)}
	schema, err := e.store.Schema()
	if err != nil {
		return nil, fmt.Errorf("stead/durable: new %q: %w", cfg.Name, err)
	}
	e.schema = schema
	j := &Jobs[TTx]{typed: e, core: core{
		cfg: cfg, store: e.store, schema: schema, engine: e, log: safelog.NewLog(cfg.Logger, "service", cfg.Name),
		stopped: make(chan struct{}), beat: beatEvery, share: verifyShare,
	}}
	if named, ok := s.(fmt.Stringer); ok {
		j.where = named.String()
	}
	j.ending, j.endNow = context.WithCancel(context.Background())
	j.scheduler.wake = make(chan struct{}, 1)
	j.cut, j.cutNow = context.WithCancel(context.Background())
	j.leaving, j.leaveNow = context.WithCancel(context.Background())
	j.waker = j.newWaker()
	j.agenda.wake, j.agenda.due = make(chan struct{}, 1), map[string]time.Time{}
	return j, nil
}

// InheritLogger gives jobs that have no Config.Logger that of their host, which
// calls it before the start; see package hosted, Logging. The engine logs there
// too. It may be called at any time.
func (j *core) InheritLogger(l *slog.Logger) { j.log.Inherit(l) }

// Name returns the configured name.
func (j *core) Name() string { return j.cfg.Name }

// Queues are all queues that were added: metrics and the dashboard look for them
// here.
func (j *core) Queues() []interface{ Name() string } {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]interface{ Name() string }, len(j.queues))
	for i, q := range j.queues {
		all[i] = q.queue
	}
	return all
}

// Client returns River's own client, for everything this package does not wrap. The
// first call of Client, Start or an enqueue creates the client, and no queue can be
// added afterwards. Do not start or stop the client.
func (j *Jobs[TTx]) Client() (*river.Client[TTx], error) {
	if _, err := j.connected(); err != nil {
		return nil, err
	}
	return j.typed.client, nil
}

// connected is the client, which it creates if there is none.
func (j *core) connected() (riverClient, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.clientLocked()
}

// inUse reports whether there is a client. What a page asks for on its own must
// not be what makes it.
func (j *core) inUse() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.client != nil
}

func (j *core) clientLocked() (riverClient, error) {
	if j.client != nil {
		return j.client, nil
	}
	if !j.engine.usable() {
		return nil, fmt.Errorf("stead/durable: new %q: %w", j.cfg.Name, errNoStore)
	}
	rescue := j.rescueAfterLocked()
	if least := j.longestLocked() + time.Second; rescue < least {
		return nil, fmt.Errorf("stead/durable: new %q: RescueAfter is less than the longest timeout and a second, %v: %v", j.cfg.Name, least, rescue)
	}
	if j.engine.database() == "postgres" {
		j.held = &held{exec: j.engine.executor(), log: j.log.Logger, ending: j.leaving, ended: j.recorder.note}
	}
	host, _ := os.Hostname()
	cfg := &river.Config{
		ID:                          clientID(host),
		Schema:                      j.schema,
		Logger:                      newEngineLog(j.log.Logger, &j.closedSaid),
		FetchCooldown:               j.cfg.FetchCooldown,
		FetchPollInterval:           j.enginePoll(),
		JobTimeout:                  defaultTimeout, // every worker here says its own
		RescueStuckJobsAfter:        never,          // see rescue
		CompletedJobRetentionPeriod: j.cfg.KeepCompleted,
		CancelledJobRetentionPeriod: j.cfg.KeepFailed,
		DiscardedJobRetentionPeriod: j.cfg.KeepFailed,
		Middleware:                  append(slices.Clone(j.cfg.Middleware), &uniqueKeys{clock: &j.clock, due: j.due}),
		Hooks:                       j.cfg.hooks(),
		SkipUnknownJobCheck:         true, // a queue without a handler here has one elsewhere
	}
	if j.worksLocked() {
		cfg.Workers, cfg.Queues = river.NewWorkers(), map[string]river.QueueConfig{}
		for _, q := range j.queues {
			q.addTo(cfg.Workers)
			if q.concurrency > 0 {
				j.agenda.add(q.kind)
				cfg.Queues[q.kind] = river.QueueConfig{MaxWorkers: q.concurrency}
			}
		}
	}
	client, err := j.engine.connect(cfg, j)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: new %q: %w", j.cfg.Name, err)
	}
	j.client = client
	if j.held != nil {
		j.held.self = client.ID()
	}
	return client, nil
}

// worksLocked reports whether this process takes jobs at all.
func (j *core) worksLocked() bool {
	return j.cfg.Mode != EnqueueOnly &&
		slices.ContainsFunc(j.queues, func(q registered) bool { return q.concurrency > 0 })
}

// works reports whether this process takes jobs now.
func (j *core) works() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.begun.IsZero() && j.life < over
}

// rescueAfterLocked is when a job that runs here counts as lost with this process.
// One that is cut off from the store is not seen, and its handlers run on: it has to
// be longer than any attempt may take.
func (j *core) rescueAfterLocked() time.Duration {
	if j.cfg.RescueAfter > 0 {
		return j.cfg.RescueAfter
	}
	return max(defaultTimeout, j.longestLocked()) + time.Minute
}

func (j *core) rescueAfter() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rescueAfterLocked()
}

// longestLocked is the longest that a job may be held for one attempt.
func (j *core) longestLocked() (longest time.Duration) {
	for _, q := range j.queues {
		longest = max(longest, q.timeout)
	}
	return longest
}

func (j *core) register(q registered) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.client != nil:
		return errors.New("the jobs are in use already; add all queues first")
	case slices.ContainsFunc(j.queues, func(other registered) bool { return other.kind == q.kind }):
		return errors.New("there is a queue of this kind already")
	}
	j.queues = append(j.queues, q)
	return nil
}
