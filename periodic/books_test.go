package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/periodic"
)

// ledger is a job and the slots that it had a run of.
type ledger struct {
	job    *periodic.Job
	period time.Duration
	slots  map[time.Time]bool
}

// randomLedger adds a job that overlaps, fails, is late and is tried again.
func randomLedger(t *testing.T, s *periodic.Scheduler, name string, seed uint64) *ledger {
	r := rand.New(rand.NewPCG(seed, 0))
	l := &ledger{period: time.Duration(1+r.IntN(20)) * time.Second, slots: map[time.Time]bool{}}
	cfg := periodic.Config{
		Name: name, Schedule: periodic.Every(l.period), Phase: periodic.OnePeriod,
		Overlap:      []periodic.Overlap{periodic.SkipOverlap, periodic.QueueOne, periodic.Replace}[r.IntN(3)],
		CancelOnStop: r.IntN(2) == 0,
		OnRun:        func(run periodic.Run) { l.slots[run.Slot] = true },
	}
	if r.IntN(3) == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if r.IntN(3) == 0 {
		cfg.Retry = periodic.Retry{Attempts: 2 + r.IntN(3), Initial: time.Second}
	}
	l.job = add(t, s, cfg, func(ctx context.Context) error {
		err := sleep(ctx, time.Duration(1+r.IntN(25_000_000))*time.Microsecond)
		if err == nil && r.IntN(3) == 0 {
			return errBooks
		}
		return err
	})
	return l
}

var errBooks = errors.New("a run in three fails")

// Whatever the policies, each slot had a run or is counted as skipped, and not both.
func TestTheBooksOfRandomJobsAccountForEachSlotOnce(t *testing.T) {
	for range 300 {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := limited(t, nil)
			if n := r.IntN(4); n > 0 {
				s = limited(t, semaphore.NewWeighted(int64(n)))
			}
			var all []*ledger
			for i := range 1 + r.IntN(5) {
				all = append(all, randomLedger(t, s, fmt.Sprint(i), seed+uint64(i)))
			}
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			lasts := time.Duration(r.IntN(200))*time.Second + 500*time.Millisecond
			pass(lasts)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Stop(ctx); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			for _, l := range all {
				st := l.job.Stats()
				want := int(lasts / l.period)
				if got := len(l.slots) + int(st.Skipped.Total()); got != want || st.Running+st.Waiting > 0 {
					t.Errorf("seed %d, job %s: %d slots had a run, %+v, want %d in all", seed, l.job.Name(), len(l.slots), st.Skipped, want)
				}
			}
		})
	}
}
