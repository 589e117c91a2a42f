package leader_test

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/steadgo/stead/leader"
)

// onWall is now as time.Now would return it if the wall clock had been set forward
// by so many seconds: a reading of the monotonic clock, beside a wall clock that
// tells something else. Only this package of all places cares how time.Time keeps
// the two; in a bubble times have no monotonic reading of their own.
func onWall(now time.Time, seconds int64) (t time.Time) {
	sinceEpoch := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Sub(time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC))
	raw := (*struct {
		wall uint64 // a flag, 33 bits of seconds since 1885, 30 bits of nanoseconds
		ext  int64  // the monotonic clock
		loc  *time.Location
	})(unsafe.Pointer(&t))
	raw.wall = 1<<63 | uint64(now.Unix()+int64(sinceEpoch.Seconds())+seconds)<<30 | uint64(now.Nanosecond())
	raw.ext = now.UnixNano()
	return t
}

func TestSettingTheWallClockNeitherCostsNorProlongsTheLead(t *testing.T) {
	base := time.Now()
	if a, b := onWall(base, 0), onWall(base.Add(time.Second), 3600); b.Sub(a) != time.Second || a.Unix() != base.Unix() || b.Unix()-a.Unix() != 3601 {
		t.Fatalf("the wall clock does not jump: %v, %v", a, b)
	}
	for _, seconds := range []int64{3600, -3600} {
		bubble(t, func(t *testing.T, e *env) {
			var mu sync.Mutex
			var set int64
			elector := e.elector(t)
			leader.SetNow(elector, func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return onWall(time.Now(), set)
			})
			var work obeys
			up(t, leader.Loop(elector, work.run))
			for range 10 {
				time.Sleep(ttl / 4)
				mu.Lock()
				set = seconds - set
				mu.Unlock()
			}
			if s := elector.Stats(); s.Terms != 1 || !s.Leading {
				t.Errorf("%+v", s)
			}
			e.store.Fail(errStore)
			failed := time.Now()
			time.Sleep(ttl / 2)
			mu.Lock()
			set = seconds - set
			mu.Unlock()
			until(t, "loss", func() bool { return !elector.Stats().Leading })
			if took := time.Since(failed); took > ttl-ttl/10 || took < ttl/2 {
				t.Errorf("lost after %v", took)
			}
			e.store.Fail(nil)
		})
	}
}

func TestTheClockOfTheStoreDecidesAndAJumpOfItIsNoticedAtTheNextRenewal(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		a, b := e.elector(t), e.elector(t)
		up(t, leader.Loop(a, (&obeys{}).run))
		up(t, leader.Loop(b, (&obeys{}).run))
		e.store.SetClock(time.Hour)
		jumped := time.Now()
		until(t, "loss", func() bool { return !a.Stats().Leading })
		if took := time.Since(jumped); took > ttl/3+time.Millisecond {
			t.Errorf("noticed after %v", took)
		}
		until(t, "the other leads", leading(b))
		if a.Stats().Fence >= b.Stats().Fence {
			t.Errorf("fences %d, %d", a.Stats().Fence, b.Stats().Fence)
		}
		e.store.SetClock(-time.Hour)
		time.Sleep(10 * ttl)
		if s := b.Stats(); s.Terms != 1 || !s.Leading {
			t.Errorf("a clock that was set back costs the lead: %+v", s)
		}
	})
}
