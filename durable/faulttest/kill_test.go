//go:build unix

package faulttest_test

import (
	"database/sql"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// window is the rescue window of the workers here, unless they are told another.
const window = 3 * time.Second

// grace is how much later than the window a lost job has to run: the leader's
// lease has to end, which is 15 s and the next bid up to 6 s, and the new one
// looks at once and then every half minute. The rest is for a machine that is slow.
const grace = 2 * time.Minute

func TestTheJobsOfAKilledWorkerRunAgainInTimeAndNoneIsLost(t *testing.T) {
	onBoth(t, 2, func(t *testing.T, b *bed) {
		n := 24
		must(t, b.migrate(t.Context()))
		b.tasks(t, 0, n)
		w := start(t, b, "-work", "400ms")
		n = b.busy(t, w, "task", 0, n)
		time.Sleep(rand.N(800 * time.Millisecond)) // another moment each time
		w.kill()
		killed, hand := time.Now(), b.inHand(t, w)
		next := start(t, b, "-work", "100ms")
		b.completed(t, "task", n, window+grace)
		next.finish()
		y := b.judge(t, "task", span(0, n))
		t.Logf("killed with %d of %d jobs in hand: lost %d, ended twice %d, begun again %d, recovered in %v",
			len(hand), n, len(y.lost), len(y.again), y.runs-n, y.last.Sub(killed).Round(10*time.Millisecond))
		// A job may have ended without the store knowing: what was in hand, and on a slow disk
		// what was in hand before. Nothing else ends twice.
		if len(y.again) > 8 {
			t.Errorf("ended twice: %v", y.again)
		}
	})
}

func TestTwoProcessesCompleteTenThousandJobsOnceEach(t *testing.T) {
	onBoth(t, 1, func(t *testing.T, b *bed) {
		const n = 10_000
		must(t, b.migrate(t.Context()))
		b.tasks(t, 0, n)
		args := []string{"-concurrency", "20", "-timeout", "1m", "-rescue", "15m"}
		begun := time.Now()
		workers := []*worker{start(t, b, args...), start(t, b, args...)}
		b.completed(t, "task", n, 10*time.Minute)
		took, share := time.Since(begun), map[int]int{}
		for _, w := range workers {
			w.finish()
		}
		y := b.judge(t, "task", span(0, n))
		for _, e := range b.read(t) {
			share[e.pid]++
		}
		t.Logf("%d jobs in %v by %d processes: lost %d, ended twice %d", n, took.Round(10*time.Millisecond), len(share), len(y.lost), len(y.again))
		if len(y.again) > 0 || y.runs != n {
			t.Errorf("ended twice %v, begun %d times", y.again, y.runs)
		}
		retried, err := b.column(t.Context(), "SELECT CAST(id AS text) FROM river_job WHERE attempt <> 1")
		must(t, err)
		if len(retried) > 0 || len(share) != 2 {
			t.Errorf("%d jobs with more than one attempt, %d processes", len(retried), len(share))
		}
	})
}

// leads waits until one of the workers leads, and returns the others too.
func leads(t *testing.T, b *bed, workers ...*worker) (leader, other *worker) {
	t.Helper()
	until(t, "a leader", patience, func() bool {
		ids, err := b.column(t.Context(), "SELECT leader_id FROM river_leader")
		for i, w := range workers {
			if err == nil && len(ids) == 1 && ids[0] == w.client {
				leader, other = w, workers[len(workers)-1-i]
			}
		}
		return leader != nil
	})
	return leader, other
}

// slots returns the times of a schedule's jobs in the store, once each; a slot
// that has two jobs fails the test.
func (b *bed) slots(t *testing.T, kind string) (list []time.Time) {
	t.Helper()
	query := "SELECT substr(scheduled_at, 1, 19) || ' ' || attempt FROM river_job WHERE kind = '" + kind + "' ORDER BY scheduled_at"
	if strings.HasPrefix(b.arg, "postgres://") {
		query = "SELECT to_char(scheduled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' ' || attempt FROM river_job WHERE kind = '" + kind + "' ORDER BY scheduled_at"
	}
	rows, err := b.column(t.Context(), query)
	must(t, err)
	first := map[time.Time]bool{}
	for _, row := range rows {
		text, attempt := row[:len(time.DateTime)], row[len(time.DateTime)+1:]
		at, err := time.Parse(time.DateTime, text)
		must(t, err)
		// A job that was freed and ran again has the time of that in place of its slot.
		if attempt == "0" || attempt == "1" {
			if first[at] {
				t.Errorf("%s has two jobs for %v", kind, at)
			}
			first[at] = true
		}
		list = append(list, at)
	}
	return list
}

// missed counts the slots without a job between the first and the last one.
func missed(slots []time.Time, every time.Duration) int {
	if len(slots) == 0 {
		return 0
	}
	return int(slots[len(slots)-1].Sub(slots[0])/every) + 1 - len(slots)
}

func TestAKilledLeaderCostsNoTickOfASlowScheduleAndDoublesNone(t *testing.T) {
	onBoth(t, 1, func(t *testing.T, b *bed) {
		const slow = 30 * time.Second
		must(t, b.migrate(t.Context()))
		args := []string{"-cron", "* * * * * *;*/30 * * * * *"}
		leader, other := leads(t, b, start(t, b, args...), start(t, b, args...))
		until(t, "a first tick", patience, func() bool { return len(b.slots(t, "tick0")) > 0 })
		// Shortly before a slow slot is the worst moment.
		slot := time.Now().Add(2 * time.Second).Truncate(slow).Add(slow)
		time.Sleep(time.Until(slot.Add(-2 * time.Second)))
		leader.kill()
		killed := time.Now()
		took := until(t, "a new leader", patience, func() bool {
			ids, err := b.column(t.Context(), "SELECT leader_id FROM river_leader")
			return err == nil && len(ids) == 1 && ids[0] == other.client
		})
		var ticks []time.Time
		until(t, "the slow schedule again", patience, func() bool {
			ticks = b.slots(t, "tick1")
			return len(ticks) > 0 && ticks[len(ticks)-1].After(killed)
		})
		other.finish()
		last := ticks[len(ticks)-1]
		gone := missed(b.slots(t, "tick0"), time.Second)
		t.Logf("new leader after %v; of a schedule each second %d missed, of one each 30 s %d",
			took.Round(10*time.Millisecond), gone, int(last.Sub(slot)/slow))
		if !slices.ContainsFunc(ticks, slot.Equal) || gone > 5 {
			t.Errorf("the slow schedule went on at %v, %v after the slot next to the kill; %d seconds missed", last, last.Sub(slot), gone)
		}
	})
}

func TestAMigrationThatWasKilledIsFinishedByTheNext(t *testing.T) {
	onBoth(t, 6, func(t *testing.T, b *bed) {
		w := launch(t, b, "-migrate")
		until(t, "the migration", patience, func() bool { return strings.Contains(w.output(), "migrating") })
		time.Sleep(rand.N(120 * time.Millisecond))
		w.kill()
		done, err := b.column(t.Context(), "SELECT CAST(version AS text) FROM river_migration")
		t.Logf("killed after %d migrations (%v)", len(done), err)
		again := launch(t, b, "-migrate")
		<-again.ended
		if !again.cmd.ProcessState.Success() {
			t.Fatalf("the second migration failed: %s", again.output())
		}
		b.tasks(t, 0, 3)
		next := start(t, b)
		b.completed(t, "task", 3, patience)
		next.finish()
		b.judge(t, "task", span(0, 3))
	})
}

// locked says whether somebody is in the middle of writing to a SQLite file. A
// process that is stopped there keeps it locked until it goes on, so that nobody
// can even start beside it.
func (b *bed) locked(t *testing.T) bool {
	t.Helper()
	if strings.HasPrefix(b.arg, "postgres://") {
		return false
	}
	db, err := sql.Open("sqlite", "file:"+b.arg+"?_pragma=busy_timeout(0)")
	must(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), "BEGIN IMMEDIATE; ROLLBACK")
	return err != nil
}

// A stopped process is a dead one to the others until it goes on. Then its
// handlers go on too, beside or after those of who took over: at least once.
// STEAD_TEST_STOP is how long it is stopped at least.
func TestTheJobsOfAStoppedWorkerRunElsewhereAndItsReturnHarmsNothing(t *testing.T) {
	onBoth(t, 1, func(t *testing.T, b *bed) {
		n := 8
		must(t, b.migrate(t.Context()))
		args := []string{"-work", "1s", "-cron", "* * * * * *"}
		stopped := start(t, b, args...)
		leads(t, b, stopped)
		b.tasks(t, 0, n) // which it has two seconds of work with
		until(t, "it is stopped with jobs in hand, and not in the middle of a write", patience, func() bool {
			if len(b.inHand(t, stopped)) == 0 {
				n = b.more(t, "task", 0, n)
				return false
			}
			stopped.signal(syscall.SIGSTOP)
			if !b.locked(t) {
				return true
			}
			stopped.signal(syscall.SIGCONT)
			return false
		})
		at, hand := time.Now(), b.inHand(t, stopped)
		other := start(t, b, args...)
		b.completed(t, "task", n, window+grace)
		took := time.Since(at)
		time.Sleep(setting(t, "STEAD_TEST_STOP", 0) - time.Since(at))
		stopped.signal(syscall.SIGCONT)
		until(t, "what was stopped goes on", patience, func() bool {
			return len(b.inHand(t, stopped)) == 0 || strings.Contains(stopped.output(), "given up") || strings.Contains(stopped.output(), "error")
		})
		b.tasks(t, n, 2*n) // both work on
		b.completed(t, "task", 2*n, patience)
		stopped.finish()
		other.finish()
		y := b.judge(t, "task", span(0, 2*n))
		b.slots(t, "tick0") // none twice, although there were two who thought they lead
		t.Logf("stopped with %d jobs in hand: lost %d, ended twice %d (by the stopped one when it went on), recovered in %v",
			len(hand), len(y.lost), len(y.again), took.Round(10*time.Millisecond))
		for _, id := range y.again {
			if !hand[id] {
				t.Errorf("%d ended twice and was not in the stopped one's hand", id)
			}
		}
	})
}
