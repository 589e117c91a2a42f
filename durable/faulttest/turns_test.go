//go:build unix

package faulttest_test

import (
	"testing"
	"time"
)

// turns is how many keys the queue "turn" has.
const turns = 3

// A job that a killed process had may still run, for all that others know: it keeps its
// key, and its place among all that run, until it is rescued.
func TestNoKeyRunsTwiceAtOnceWhenAProcessIsKilled(t *testing.T) {
	onBoth(t, 2, func(t *testing.T, b *bed) {
		n := 12
		must(t, b.migrate(t.Context()))
		must(t, b.enqueue(t.Context(), "turn", span(0, n)))
		args := []string{"-turns", "3", "-work", "150ms"}
		victim, other := start(t, b, args...), start(t, b, args...)
		n = b.busy(t, victim, "turn", 0, n)
		victim.kill()
		killed := time.Now()
		took := b.completed(t, "turn", n, window+grace)
		other.finish()
		y := b.judge(t, "turn", span(0, n))
		if len(y.again) > 2 {
			t.Errorf("ended twice: %v", y.again)
		}
		open := map[int]entry{} // of each job that runs
		for _, e := range b.read(t) {
			if e.what != "begin" {
				delete(open, e.id)
				continue
			}
			for id, was := range open {
				switch lost := was.pid == victim.cmd.Process.Pid && e.at.After(killed); {
				case lost && e.at.Sub(was.at) >= window:
					delete(open, id) // rescued
				case id%turns == e.id%turns:
					t.Errorf("%d began beside %d, which has the same key: %v after it", e.id, id, e.at.Sub(was.at))
				}
			}
			if open[e.id] = e; len(open) > 2 {
				t.Errorf("%d ran at once", len(open))
			}
		}
		t.Logf("killed one of two processes: lost %d, ended twice %d, done after %v", len(y.lost), len(y.again), took.Round(10*time.Millisecond))
	})
}
