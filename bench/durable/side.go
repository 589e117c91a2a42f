package durable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// runner is one contender with many jobs.
type runner struct {
	name     string
	c        contender
	left     atomic.Int64
	done     chan struct{} // closed after the last handler
	close    func() error
	enqueued time.Duration
	drained  time.Duration
}

// SideBySide has both enqueue and then drain as many jobs at the same time, each on a store
// of its own, so that the load of the machine is the same for both. It writes what that
// took, and how far each was when the first had finished.
func SideBySide[TTx any](ctx context.Context, out io.Writer, name string, jobs int, open func(context.Context) (Opened[TTx], error)) (err error) {
	var all []*runner
	defer func() {
		for _, r := range all {
			err = errors.Join(err, r.close())
		}
	}()
	for _, m := range makers[TTx]() {
		r, err := newRunner(ctx, m, jobs, open)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", m.name, name, err)
		}
		all = append(all, r)
	}
	list := items(jobs)
	err = each(all, func(r *runner) error {
		began := time.Now()
		for piece := range slices.Chunk(list, max(jobs/10, 1)) {
			if err := r.c.enqueueAll(ctx, piece); err != nil {
				return err
			}
		}
		r.enqueued = time.Since(began)
		return nil
	})
	if err != nil {
		return err
	}
	var first sync.Once
	err = each(all, func(r *runner) error {
		began := time.Now()
		if err := r.c.start(ctx); err != nil {
			return err
		}
		<-r.done
		r.drained = time.Since(began)
		first.Do(func() {
			for _, o := range all {
				fmt.Fprintf(out, "%s: when %s had finished, %s had handled %d of %d\n", name, r.name, o.name, int64(jobs)-o.left.Load(), jobs)
			}
		})
		return r.c.stop(ctx)
	})
	for _, r := range all {
		fmt.Fprintf(out, "%s, %s: %d jobs enqueued in %v, handled in %v\n", name, r.name, jobs, r.enqueued.Round(time.Millisecond), r.drained.Round(time.Millisecond))
	}
	return err
}

func newRunner[TTx any](ctx context.Context, m maker[TTx], jobs int, open opener[TTx]) (*runner, error) {
	store, err := open(ctx)
	if err != nil {
		return nil, err
	}
	r := &runner{name: m.name, done: make(chan struct{}), close: store.Close}
	r.left.Store(int64(jobs))
	r.c, err = m.make(store, func(context.Context, item) error {
		if r.left.Add(-1) == 0 {
			close(r.done)
		}
		return nil
	}, many)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

// each does it with all at the same time.
func each(all []*runner, do func(*runner) error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() { errs[i] = do(r) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
