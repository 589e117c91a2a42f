//go:build unix

package faulttest_test

import (
	"testing"
	"time"
)

// A deployment in the middle: the older program does not know the queue "extra"
// nor the field "note". It works the tasks and ignores the field, leaves the
// extras alone, and, while it leads, does not give up those whose process died.
func TestAnOlderAndANewerProgramShareAStore(t *testing.T) {
	onBoth(t, 1, func(t *testing.T, b *bed) {
		const n = 20
		must(t, b.migrate(t.Context()))
		older := start(t, b, "-work", "100ms")
		leads(t, b, older)
		newer := start(t, b, "-newer", "-work", "600ms")
		b.tasks(t, 0, n)
		must(t, b.enqueue(t.Context(), "extra", span(1000, 1000+n)))
		extra := b.busy(t, newer, "extra", 1000, 1000+n)
		newer.kill()
		hand := b.inHand(t, newer)
		time.Sleep(window + 32*time.Second) // the older one looks for lost jobs in this time
		again := start(t, b, "-newer", "-work", "100ms")
		older.finish() // it resigns; the newer one leads
		b.completed(t, "extra", extra-1000, window+grace)
		b.completed(t, "task", n, patience)
		again.finish()
		tasks, extras := b.judge(t, "task", span(0, n)), b.judge(t, "extra", span(1000, extra))
		workers := map[int]int{}
		for _, e := range b.read(t) {
			if e.what == "end" && e.kind == "task" {
				workers[e.pid]++
			}
			if e.kind == "extra" && e.pid == older.cmd.Process.Pid {
				t.Errorf("the older program ran %d, of a queue that it does not know", e.id)
			}
		}
		t.Logf("the newer one was killed with %d jobs in hand while the older one led: lost %d, ended twice %d; the older one ran %d of %d tasks",
			len(hand), len(tasks.lost)+len(extras.lost), len(tasks.again)+len(extras.again), workers[older.cmd.Process.Pid], n)
	})
}
