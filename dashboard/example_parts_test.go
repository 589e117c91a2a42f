package dashboard_test

import (
	"encoding/json"
	"fmt"

	"github.com/steadgo/stead/dashboard"
)

// read is a part of what api/v1/state answers, as another program gets it.
func read[T any](text string) (part T) {
	must(json.Unmarshal([]byte(text), &part))
	return part
}

// Does the queue grow?
func ExampleRates() {
	q := read[dashboard.Queue](`{"name": "emails", "depth": 120, "rates": {"in": 40, "out": 25, "failed": 0.5, "lost": 0}}`)
	if r := q.Rates; r != nil {
		fmt.Printf("%s grows by %.1f a second\n", q.Name, r.In-r.Out-r.Failed)
	}
	// Output: emails grows by 14.5 a second
}

// With ?history=1 a queue has the samples of its chart.
func ExamplePoint() {
	points := read[[]dashboard.Point](`[
		{"time": "2026-05-01T12:00:00Z", "depth": 3, "oldest_seconds": 0.2},
		{"time": "2026-05-01T12:00:01Z", "depth": 9, "oldest_seconds": 1.2, "rates": {"in": 6, "out": 0, "failed": 0, "lost": 0}}]`)
	last := points[len(points)-1]
	fmt.Println(last.Time.Format("15:04:05"), last.Depth, last.OldestSeconds, last.Rates.In)
	// Output: 12:00:01 9 1.2 6
}

func ExampleLatency() {
	l := read[dashboard.Latency](`{"samples": 78, "mean_seconds": 0.2, "p50_seconds": 0.1, "p95_seconds": 0.5}`)
	fmt.Printf("half took at most %v s, 95 %% at most %v s (%d samples)\n", l.P50Seconds, l.P95Seconds, l.Samples)
	// Output: half took at most 0.1 s, 95 % at most 0.5 s (78 samples)
}

// Dropped items had been accepted.
func ExampleDropped() {
	q := read[dashboard.Queue](`{"dropped": {"oldest": 2, "newest": 1}}`)
	fmt.Println(q.Dropped.Oldest+q.Dropped.Newest, q.Lost())
	// Output: 3 3
}

// Refused items never were: whoever enqueued them got an error.
func ExampleRefused() {
	r := read[dashboard.Refused](`{"full": 7, "write": 0, "closed": 4, "cancelled": 1}`)
	fmt.Println(r.Full, "found no room,", r.Closed, "came after the close,", r.Cancelled, "gave up waiting")
	// Output: 7 found no room, 4 came after the close, 1 gave up waiting
}

// What a POST to actions needs to requeue it: the service and the id.
func ExampleFailure() {
	f := read[dashboard.Failure](`{"service": "emails", "id": 7, "error": "550 no such mailbox", "attempts": 3, "can_act": true}`)
	if f.CanAct {
		fmt.Printf("verb=%s&kind=%s&name=emails&service=%s&id=%d\n", dashboard.Requeue, dashboard.KindQueue, f.Service, f.ID)
	}
	// Output: verb=requeue&kind=queue&name=emails&service=emails&id=7
}

func ExampleRetry() {
	r := read[dashboard.Retry](`{"service": "emails", "error": "451 try later", "attempts": 2, "due": "2026-05-01T12:00:00Z"}`)
	fmt.Println(r.Service, "failed", r.Attempts, "times and tries again at", r.Due.Format("15:04:05")+":", r.Error)
	// Output: emails failed 2 times and tries again at 12:00:00: 451 try later
}

func ExampleRun() {
	r := read[dashboard.Run](`{"slot": "2026-05-01T02:30:00Z", "lateness_seconds": 0.01, "duration_seconds": 4.5, "outcome": "succeeded"}`)
	fmt.Println(r.Slot.Format("15:04"), r.Outcome, "in", r.DurationSeconds, "s, by hand:", r.Triggered)
	// Output: 02:30 succeeded in 4.5 s, by hand: false
}

// Times at which a schedule was due and did not run, and why.
func ExampleSkipped() {
	s := read[dashboard.Skipped](`{"overlap": 2, "missed": 1, "paused": 0, "stopped": 0}`)
	fmt.Println(s.Overlap, "while a run was on,", s.Missed, "missed")
	// Output: 2 while a run was on, 1 missed
}

func ExampleSlow() {
	for _, s := range read[[]dashboard.Slow](`[{"kind": "queue", "name": "emails", "what": "oldest item has waited", "seconds": 7.2}]`) {
		fmt.Println(s.Kind, s.Name, s.What, s.Seconds, "s")
	}
	// Output: queue emails oldest item has waited 7.2 s
}

func ExampleLeadership() {
	s := read[dashboard.Service](`{"name": "newsletter", "leadership": {"group": "news", "leading": false, "fence": 3, "transitions": 2,
		"outage_since": "2026-05-01T12:00:00Z", "outage_error": "connection refused"}}`)
	if l := s.Leadership; !l.OutageSince.IsZero() {
		fmt.Println("who leads", l.Group, "is not known here since", l.OutageSince.Format("15:04:05")+":", l.OutageError)
	}
	// Output: who leads news is not known here since 12:00:00: connection refused
}

func ExampleInstance() {
	for _, i := range read[[]dashboard.Instance](`[{"service": "jobs", "host": "web-1", "pid": 12, "role": "insert only", "own": true}]`) {
		fmt.Println(i.Service, i.Host, i.PID, i.Role, i.Own)
	}
	// Output: jobs web-1 12 insert only true
}

// How a stop goes: what was stopped, and what does not return.
func ExampleStop() {
	stop := read[dashboard.Stop](`{"over": true, "clean": false,
		"services": [{"name": "emails", "state": "failed", "stop_seconds": 10, "leftover": 3}],
		"stragglers": [{"service": "emails", "op": "stop", "waited_seconds": 10, "stacks": "1 goroutine(s):"}]}`)
	emails := func(l dashboard.StopLine) string { return fmt.Sprint(l.Name, " left ", l.Leftover, " items") }
	fmt.Println(stop.Clean, emails(stop.Services[0]))
	waits := func(s dashboard.Straggler) string {
		return fmt.Sprint(s.Op, " of ", s.Service, " waited ", s.WaitedSeconds, " s")
	}
	fmt.Println(waits(stop.Stragglers[0]))
	// Output:
	// false emails left 3 items
	// stop of emails waited 10 s
}
