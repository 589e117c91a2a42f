package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/channelq"
)

// The jobs that wait are counted by the store now and then, not with each enqueue: what
// this process has enqueued since then is added. So a bound is kept exactly by one process,
// and by several as well as they know of each other.
const (
	// waitingFresh is how old a count may be while there is room by it.
	waitingFresh = 250 * time.Millisecond

	// waitingAgain is how old it may be when there is none: jobs may have begun.
	waitingAgain = 10 * time.Millisecond
)

// waiting is what this process knows of the jobs of a queue that wait.
type waiting struct {
	mu      sync.Mutex
	counted int
	at      time.Time // when the count began; zero if there was none
	asking  bool
	added   int // by this process, and not in the count for sure
	flying  int // of these, whose insert has not ended
}

// take takes room for up to n jobs, or for exactly n if all, and asks count if what is known
// is old. What is inserted of it is told to done.
func (w *waiting) take(n, limit int, all bool, count func() (int, error)) (got int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	free := func() int { return limit - w.counted - w.added }
	age := time.Since(w.at)
	if w.at.IsZero() || !w.asking && (age > waitingFresh || free() < n && age > waitingAgain) {
		if err := w.countLocked(count); err != nil {
			return 0, err
		}
	}
	if got = min(n, free()); got <= 0 || all && got < n {
		return 0, channelq.ErrFull
	}
	w.added += got
	w.flying += got
	return got, nil
}

// countLocked does not hold the lock while it counts: who waits for it may have the only
// connection.
func (w *waiting) countLocked(count func() (int, error)) error {
	known, began, before, flying := w.at, time.Now(), w.added, w.flying
	w.asking = true
	w.mu.Unlock()
	n, err := count()
	w.mu.Lock()
	w.asking = false
	if err != nil || !w.at.Equal(known) { // another count came first: added is since that one
		return err
	}
	// What was being inserted may or may not be in the count.
	w.counted, w.at, w.added = n, began, max(w.added-before+flying, 0)
	return nil
}

// done records how many of the jobs that took room were inserted.
func (w *waiting) done(took, inserted int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying -= took
	w.added = max(w.added-(took-inserted), 0)
}

// admit takes room in the queue for up to n jobs, or for all n. Jobs that are to wait for
// their time need none.
func (q *Queue[T]) admit(ctx context.Context, exec riverdriver.Executor, n int, all bool) (got int, done func(inserted int), err error) {
	if q.cfg.MaxWaiting == 0 {
		return n, func(int) {}, nil
	}
	got, err = q.waits.take(n, q.cfg.MaxWaiting, all, func() (n int, err error) {
		err = exec.QueryRow(ctx, dialects[q.jobs.engine.database()].waiting, q.kind, q.cfg.MaxWaiting).Scan(&n)
		return n, hint(err)
	})
	if err != nil {
		if err == channelq.ErrFull { //nolint:errorlint // it is this one
			q.books.full.Add(1)
		}
		return 0, nil, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	return got, func(inserted int) { q.waits.done(got, inserted) }, nil
}
