package durable_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

type keyed struct {
	Key string
	How string
}

func byKey(k keyed) string { return k.Key }

// meter counts what runs at once, by key and in all.
type meter struct {
	mu          sync.Mutex
	now, most   map[string]int
	all, allMax int
	done        map[string]int
}

func newMeter() *meter {
	return &meter{now: map[string]int{}, most: map[string]int{}, done: map[string]int{}}
}

func (m *meter) enter(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[key]++
	m.all++
	m.most[key], m.allMax = max(m.most[key], m.now[key]), max(m.allMax, m.all)
}

func (m *meter) leave(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[key]--
	m.all--
	m.done[key]++
}

// untilBeside gives others the time to run beside this one: a moment, and longer until so
// many have once run at once.
func (m *meter) untilBeside(n int) {
	for began := time.Now(); ; {
		time.Sleep(5 * time.Millisecond)
		m.mu.Lock()
		enough := m.allMax >= n
		m.mu.Unlock()
		if enough || time.Since(began) > 20*time.Second {
			return
		}
	}
}

func (m *meter) total() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.done {
		n += d
	}
	return n
}

func keysOfAllProcesses[TTx any](t *testing.T, e env[TTx]) {
	m := newMeter()
	cfg := durable.QueueConfig[keyed]{Concurrency: 8, Key: byKey, KeyLimit: 2}
	handle := func(_ context.Context, k keyed) error {
		m.enter(k.Key)
		defer m.leave(k.Key)
		m.untilBeside(3)
		return nil
	}
	web := newQueue(t, newJobs(t, e.store, durable.EnqueueOnly), "shops", nil, cfg)
	for range 2 {
		jobs := newJobs(t, e.again(t), durable.EnqueueAndWork)
		newQueue(t, jobs, "shops", handle, cfg)
		start(t, jobs)
	}
	var items []keyed
	for i := range 40 {
		items = append(items, keyed{Key: string(rune('a' + i%4))})
	}
	items = append(items, keyed{}, keyed{}, keyed{}) // without a key
	if n, err := web.EnqueueAll(t.Context(), items); n != len(items) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	until(t, "all are done", func() bool { return m.total() == len(items) })
	for key, most := range m.most {
		if key != "" && (most > 2 || m.done[key] != 10) {
			t.Errorf("%d of key %s ran at once, %d in all", most, key, m.done[key])
		}
	}
	if m.allMax < 3 {
		t.Errorf("no more than %d ran at once although keys had room", m.allMax)
	}
}

// More jobs wait for one key than a fetch looks at, and hold nobody else up.
func keysDoNotStarve[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	hot, free := make(chan struct{}), make(chan string, 10)
	q := newQueue(t, jobs, "shops", func(ctx context.Context, k keyed) error {
		if k.Key != "hot" {
			free <- k.Key
			return nil
		}
		select {
		case <-hot:
		case <-ctx.Done():
		}
		return nil
	}, durable.QueueConfig[keyed]{Concurrency: 3, Key: byKey})
	items := make([]keyed, 250)
	for i := range items {
		items[i].Key = "hot"
	}
	if n, err := q.EnqueueAll(t.Context(), items); n != 250 {
		t.Fatal(n, err)
	}
	enqueue(t, q, keyed{Key: "zoo"})
	enqueue(t, q, keyed{Key: "bar"})
	enqueue(t, q, keyed{Key: "later"}, durable.In(300*time.Millisecond))
	start(t, jobs)
	seen := map[string]bool{receive(t, free): true, receive(t, free): true, receive(t, free): true}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
	until(t, "one runs and the others wait", func() bool {
		s := q.States()
		return s["running"] == 1 && s["pending"] == 249 && s["available"] == 0
	})
	close(hot)
	until(t, "some more have their turn", func() bool { return q.Stats().Handled > 6 })
}

func keyOfARetry[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	ran, release := make(chan string, 10), make(chan struct{})
	q := newQueue(t, jobs, "shops", func(ctx context.Context, k keyed) error {
		ran <- k.How
		switch k.How {
		case "fails":
			return channelq.RetryAfter(errors.New("busy"), time.Hour)
		case "holds":
			<-release
		}
		return nil
	}, durable.QueueConfig[keyed]{Concurrency: 3, Key: byKey})
	start(t, jobs)
	first := enqueue(t, q, keyed{"a", "fails"})
	inState(t, jobs, first, rivertype.JobStateRetryable)
	second := enqueue(t, q, keyed{"a", "second"})
	enqueue(t, q, keyed{"b", "other"})
	if a, b := receive(t, ran), receive(t, ran); a != "fails" || b != "other" {
		t.Errorf("ran %s, %s", a, b)
	}
	inState(t, jobs, second, rivertype.JobStatePending)
	must(t, q.Cancel(first))
	if got := receive(t, ran); got != "second" {
		t.Errorf("ran %s", got)
	}
	inState(t, jobs, second, rivertype.JobStateCompleted)
	// What is requeued waits for its key like any other.
	holds := enqueue(t, q, keyed{"a", "holds"})
	receive(t, ran)
	must(t, q.Requeue(second))
	inState(t, jobs, second, rivertype.JobStatePending)
	close(release)
	inState(t, jobs, holds, rivertype.JobStateCompleted)
	inState(t, jobs, second, rivertype.JobStateCompleted)
}

func globalLimit[TTx any](t *testing.T, e env[TTx]) {
	m := newMeter()
	cfg := durable.QueueConfig[int]{Concurrency: 5, GlobalLimit: 3}
	handle := func(context.Context, int) error {
		m.enter("")
		defer m.leave("")
		m.untilBeside(2)
		return nil
	}
	web := newQueue(t, newJobs(t, e.store, durable.EnqueueOnly), "calls", nil, cfg)
	for range 2 {
		jobs := newJobs(t, e.again(t), durable.EnqueueAndWork)
		newQueue(t, jobs, "calls", handle, cfg)
		start(t, jobs)
	}
	n, err := web.EnqueueAll(t.Context(), make([]int, 30))
	must(t, err)
	until(t, "all are done", func() bool { return m.total() == n })
	if m.allMax > 3 || m.allMax < 2 {
		t.Errorf("%d ran at once", m.allMax)
	}
}

func TestLimitsThatMakeNoSenseAreRefused(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueOnly)
	key := func(i int) string {
		return map[int]string{1: "\x00", 2: "fine"}[i]
	}
	for field, cfg := range map[string]durable.QueueConfig[int]{
		"MaxWaiting is negative":        {MaxWaiting: -1},
		"KeyLimit is negative":          {Key: key, KeyLimit: -1},
		"KeyLimit is set, but Key is n": {KeyLimit: 1},
		"GlobalLimit is negative":       {GlobalLimit: -1},
		"KeepCompleted is negative":     {KeepCompleted: -1},
	} {
		_, err := durable.NewQueue[int](jobs, "bad", nil, cfg)
		isError(t, err, field)
	}
	q := newQueue(t, jobs, "keys", nothing[int], durable.QueueConfig[int]{Key: key})
	isError(t, q.Enqueue(t.Context(), 1), "the key: the name has a NUL")
	panics := newQueue(t, newJobs(t, openSQLite(t).store, durable.EnqueueOnly), "keys", nothing[int], durable.QueueConfig[int]{Key: func(int) string { panic("no key") }})
	isError(t, panics.Enqueue(t.Context(), 1), "no key")
	enqueue(t, q, 2)
}
