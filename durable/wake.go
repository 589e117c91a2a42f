package durable

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// The engine announces no more than one insert per queue and FetchCooldown, and drops
// the announcements in between: the second of two jobs that are enqueued together
// would wait for the next poll. So what may have been dropped is announced from here, a
// moment later and once for all: a burst costs one statement more in twenty
// milliseconds.

const (
	wakeAfter = 20 * time.Millisecond
	wakeWait  = time.Second

	insertTopic = "river_insert" // of the engine
)

// waker announces what the engine may not have.
type waker struct {
	notify   func(context.Context, announcement) error
	cooldown time.Duration

	mu      sync.Mutex
	queues  map[string]*inserts
	closed  bool // nothing is put off any more
	pending sync.WaitGroup
}

// inserts are those into one queue from this process.
type inserts struct {
	begun  uint64    // how many
	flying int       // of which have not ended
	last   time.Time // when one began or ended
	late   bool      // an announcement is to come
}

// insert is called before an insert, and what it returns after it. The engine has
// announced the insert for sure if no other was near: there was none within the
// cooldown before it, and none began before it ended. unheard says that it announces none.
func (w *waker) insert(queue string, unheard bool) (done func()) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.ofLocked(queue)
	alone := !unheard && q.flying == 0 && now.Sub(q.last) > w.cooldown
	q.begun++
	q.flying++
	q.last = now
	mine := q.begun
	return func() { w.inserted(queue, q, alone, mine) }
}

func (w *waker) inserted(queue string, q *inserts, alone bool, mine uint64) {
	w.mu.Lock()
	q.flying--
	q.last = time.Now()
	if alone && q.begun == mine || q.late {
		w.mu.Unlock()
		return
	}
	w.announceSoonLocked(queue, q)
}

// announceSoonLocked announces a queue in a moment. It lets go of the lock.
func (w *waker) announceSoonLocked(queue string, q *inserts) {
	if w.closed {
		w.mu.Unlock()
		w.announce(queue)
		return
	}
	q.late = true
	w.pending.Add(1)
	w.mu.Unlock()
	time.AfterFunc(wakeAfter, func() {
		defer w.pending.Done()
		w.mu.Lock()
		q.late = false // what is inserted from now on is not in this one
		w.mu.Unlock()
		w.announce(queue)
	})
}

// freed announces that jobs of a queue with limits have ended, so that others may begin.
func (w *waker) freed(queue string) {
	w.mu.Lock()
	q := w.ofLocked(queue)
	if q.late || w.closed {
		w.mu.Unlock()
		return
	}
	w.announceSoonLocked(queue, q)
}

func (w *waker) ofLocked(queue string) *inserts {
	if w.queues == nil {
		w.queues = map[string]*inserts{}
	}
	if w.queues[queue] == nil {
		w.queues[queue] = &inserts{}
	}
	return w.queues[queue]
}

// announce says that there are jobs. If it fails the poll finds them.
func (w *waker) announce(queue string) {
	ctx, cancel := context.WithTimeout(context.Background(), wakeWait)
	defer cancel()
	_ = w.notify(ctx, announcement{Queue: queue})
}

// due announces that a job of a queue is due at a time of the store. It does not wait:
// the transaction that made the job may still be open.
func (w *waker) due(queue string, at time.Time) { w.say(announcement{Queue: queue, Due: at}) }

// say announces something. It does not wait.
func (w *waker) say(a announcement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.pending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wakeWait)
		defer cancel()
		_ = w.notify(ctx, a)
	})
}

// close waits for what was put off, or until ctx is done.
func (w *waker) close(ctx context.Context) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.pending.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// announcement is what is said when there are jobs for a queue. The engine reads the
// queue alone.
type announcement struct {
	Queue string    `json:"queue"`
	Due   time.Time `json:"due,omitzero"` // by the store's clock; zero if now

	Schedules bool `json:"schedules,omitempty"` // were changed; there is no job
}

func (a announcement) text() string {
	text, _ := json.Marshal(a) //nolint:errchkjson // the time is one that checkTime has accepted, or the store has
	return string(text)
}

func (a announcement) params(schema string) *riverdriver.NotifyManyParams {
	return &riverdriver.NotifyManyParams{Topic: insertTopic, Payload: []string{a.text()}, Schema: schema}
}

// newWaker is for a store that announces things; nobody hears of others.
func (j *core) newWaker() *waker {
	return &waker{cooldown: j.cfg.FetchCooldown, notify: func(ctx context.Context, a announcement) error {
		return j.engine.executor().NotifyMany(ctx, a.params(j.schema))
	}}
}

// inserting is called before an insert, and what it returns after it.
func (j *core) inserting(queue string) (done func()) {
	if !j.engine.announces() {
		return func() {}
	}
	return j.waker.insert(queue, j.keyed(queue))
}

// freed says that jobs of a queue with limits have ended.
func (j *core) freed(queue string) {
	if j.engine.announces() {
		j.waker.freed(queue)
	}
}

// insertedIn announces a job in the transaction that inserts it: nobody knows when
// that commits.
func (j *core) insertedIn(ctx context.Context, tx any, queue string) error {
	if !j.engine.announces() {
		return nil
	}
	return j.engine.executorTx(tx).NotifyMany(ctx, announcement{Queue: queue}.params(j.schema))
}
