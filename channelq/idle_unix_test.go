//go:build unix

package channelq_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

// cpuTime is what this process has used so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A worker that looks around instead of sleeping uses all of the second, or its
// share of a busy machine; what is allowed here is far from both.
func TestParkedWorkersUseNoProcessorTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	q := newQueue(t, channelq.Config[int]{Capacity: 64})
	w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{Concurrency: 8})
	for i := range 1000 {
		enqueue(t, q, i)
	}
	for w.Stats().Handled < 1000 {
		time.Sleep(time.Millisecond)
	}
	// The runtime may have work of its own in a second, and not in each of ten.
	for tries := 1; ; tries++ {
		before := cpuTime(t)
		time.Sleep(time.Second)
		if used := cpuTime(t) - before; used <= 100*time.Millisecond {
			return
		} else if tries == 10 {
			t.Fatalf("an idle second took %v of processor time", used)
		}
	}
}
