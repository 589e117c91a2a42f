package periodic_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// Whatever happens, each slot is a run or is counted in Skips: with runs of any
// length, failures with and without backoff, pauses and a stop in the middle.
func TestEverySlotIsARunOrIsCounted(t *testing.T) {
	overlaps := []periodic.Overlap{periodic.SkipOverlap, periodic.QueueOne, periodic.Queue(4), periodic.Parallel(3), periodic.Replace}
	misses := []periodic.Missed{periodic.Coalesce, periodic.SkipMissed, periodic.CatchUp(1), periodic.CatchUp(5)}
	schedules := map[string]periodic.Schedule{"rate": periodic.Every(time.Second), "calendar": cron(t, "* * * * * *", nil)}
	seed := uint64(0)
	for name, s := range schedules {
		for _, o := range overlaps {
			for _, m := range misses {
				for _, backoff := range []time.Duration{0, 5 * time.Second} {
					seed++
					t.Run(fmt.Sprint(name, o, m, backoff), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { account(t, seed, s, o, m, backoff) })
					})
				}
			}
		}
	}
}

func account(t *testing.T, seed uint64, s periodic.Schedule, o periodic.Overlap, m periodic.Missed, backoff time.Duration) {
	var retry periodic.Retry
	if backoff > 0 {
		retry = periodic.Retry{Attempts: 4, Initial: backoff}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	took := make([]time.Duration, 1000)
	for i := range took {
		took[i] = time.Duration(r.Int64N(int64(3 * time.Second)))
	}
	l := newLog()
	j := start(t, periodic.Config{
		Schedule: s, Overlap: o, Missed: m, MissedGrace: time.Duration(r.IntN(2)) * 20 * time.Second,
		Retry: retry, Jitter: time.Duration(r.IntN(2)) * 300 * time.Millisecond,
	}, func(ctx context.Context) error {
		l.note(ctx)
		n := l.count()
		err := sleep(ctx, took[n%len(took)])
		if err == nil && n%5 == 0 {
			err = io.EOF
		}
		return err
	})
	for range 20 {
		time.Sleep(time.Duration(r.Int64N(int64(15 * time.Second))))
		j.Pause()
		time.Sleep(time.Duration(r.Int64N(int64(30 * time.Second))))
		j.Resume()
	}
	time.Sleep(3*time.Second - time.Since(l.zero)%time.Second + 500*time.Millisecond) // past the jitter of the last slot
	due := uint64(time.Since(l.zero) / time.Second)
	stop(t, j)
	l.mu.Lock()
	defer l.mu.Unlock()
	// A run after a failure stands for a slot a second time; one that a Stop left
	// undone stands for none.
	ran := map[time.Duration]bool{}
	for _, slot := range l.slots {
		ran[slot] = true
	}
	st := j.Stats()
	if got := uint64(len(ran)) + st.Skipped.Total(); backoff == 0 && (got != due || len(ran) != len(l.slots)) {
		t.Errorf("%d slots were due; %d ran, in %d runs, and %+v", due, len(ran), len(l.slots), st.Skipped)
	} else if got < due {
		t.Errorf("%d slots were due; only %d ran and %+v", due, len(ran), st.Skipped)
	}
	if n := uint64(len(l.slots)); st.Duration.Count != n || st.Lateness.Count != n {
		t.Errorf("%d runs, %d in the histogram", n, st.Duration.Count)
	}
}
