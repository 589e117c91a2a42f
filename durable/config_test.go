package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

var (
	_ hosted.Service            = (*durable.Jobs[*sql.Tx])(nil)
	_ channelq.Enqueuer[string] = (*durable.Queue[string])(nil)
)

func TestAWrongConfigurationIsRefusedByTheNameOfItsField(t *testing.T) {
	e := openSQLite(t)
	for field, cfg := range map[string]durable.Config{
		"Mode":          {Mode: 3},
		"FetchCooldown": {FetchCooldown: time.Microsecond},
		"PollInterval":  {PollInterval: -1},
		"KeepCompleted": {KeepCompleted: -1},
		"KeepFailed":    {KeepFailed: -1},
		"RescueAfter":   {RescueAfter: -1},
		"Middleware[0]": {Middleware: []rivertype.Middleware{nil}},
		"Hooks[1]":      {Hooks: []rivertype.Hook{&river.HookDefaults{}, nil}},
	} {
		if _, err := durable.New(e.store, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := durable.New[*sql.Tx](nil, durable.Config{}); err == nil {
		t.Error("no store was accepted")
	}
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	for field, cfg := range map[string]durable.QueueConfig[int]{
		"Concurrency":    {Concurrency: -1},
		"Timeout":        {Timeout: -1},
		"RateLimit":      {RateLimit: -1},
		"Burst":          {Burst: -1},
		"Retry.Attempts": {Retry: channelq.Retry{Attempts: -1}},
		"Retry.Initial":  {Retry: channelq.Retry{Initial: -1}},
		"Retry.Factor":   {Retry: channelq.Retry{Factor: 0.5}},
	} {
		if _, err := durable.NewQueue(jobs, "kind", nothing[int], cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A rescue window within the timeout would run a job beside itself.
func TestARescueWindowHasToBeLongerThanEveryTimeout(t *testing.T) {
	e := openSQLite(t)
	for window, fits := range map[time.Duration]bool{4 * time.Second: false, 5 * time.Second: true} {
		jobs, err := durable.New(e.store, durable.Config{RescueAfter: window})
		must(t, err)
		newQueue(t, jobs, "slow", nothing[int], durable.QueueConfig[int]{Timeout: 4 * time.Second})
		newQueue(t, jobs, "fast", nothing[int], durable.QueueConfig[int]{Timeout: time.Second})
		if _, err := jobs.Client(); (err == nil) != fits || !fits && !strings.Contains(err.Error(), "RescueAfter") {
			t.Errorf("%v: %v", window, err)
		}
	}
}

func TestAQueueNeedsAKindOfItsOwnBeforeTheJobsAreUsed(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueAndWork)
	for _, kind := range []string{"", "x", "Upper", "a b", "-a", "a-", "a--b", "ümlaut", strings.Repeat("x", 65)} {
		if _, err := durable.NewQueue(jobs, kind, nothing[int], durable.QueueConfig[int]{}); err == nil {
			t.Errorf("%q was accepted", kind)
		}
	}
	for _, kind := range []string{"ab", "a-b_c3", strings.Repeat("x", 64)} {
		newQueue(t, jobs, kind, nothing[int], durable.QueueConfig[int]{})
	}
	if _, err := durable.NewQueue(jobs, "ab", nothing[int], durable.QueueConfig[int]{}); err == nil {
		t.Error("a second queue of one kind was accepted")
	}
	if _, err := jobs.Client(); err != nil {
		t.Fatal(err) // what is valid here is valid for the engine
	}
	if _, err := durable.NewQueue(jobs, "late", nothing[int], durable.QueueConfig[int]{}); err == nil {
		t.Error("a queue was added to jobs in use")
	}
}

func TestWhatIsNilIsNamedAndNotAPanic(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "some", nothing[int], durable.QueueConfig[int]{})
	_, errTx := durable.EnqueueTx(t.Context(), nil, q, 1)
	_, errAllTx := durable.EnqueueAllTx(t.Context(), nil, q, []int{1})
	_, errOption := q.EnqueueWith(t.Context(), 1, durable.In(time.Hour), nil)
	_, errTimes := q.EnqueueWith(t.Context(), 1, durable.In(time.Hour), durable.At(time.Now()))
	_, errQueue := durable.NewQueue[int, *sql.Tx](nil, "some", nothing[int], durable.QueueConfig[int]{})
	for want, err := range map[string]error{
		`stead/durable: enqueue "some": the transaction is nil`:                      errTx,
		`stead/durable: enqueue "some": an option is nil`:                            errOption,
		`stead/durable: enqueue "some": In or At: there is one for this job already`: errTimes,
		`stead/durable: new queue "some": the jobs are nil`:                          errQueue,
		`stead/durable: then: the queue is nil`:                                      durable.Then[int](t.Context(), nil, 1),
		`stead/durable: complete: the transaction is nil`:                            durable.CompleteTx(t.Context(), nil),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if errAllTx == nil || errAllTx.Error() != errTx.Error() {
		t.Errorf("many: %v", errAllTx)
	}
}

func TestEveryRefusesWhatItCannotRun(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "tick", nothing[int], durable.QueueConfig[int]{})
	one, hourly := func() int { return 1 }, periodic.Every(time.Hour)
	for what, err := range map[string]error{
		"queue":    durable.Every[int](nil, "x", hourly, one),
		"name":     durable.Every(q, "", hourly, one),
		"schedule": durable.Every(q, "x", nil, one),
		"function": durable.Every(q, "x", hourly, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestANameOfAScheduleIsAnyTextAndTakenOnce(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "tick", nothing[int], durable.QueueConfig[int]{})
	one, hourly := func() int { return 1 }, periodic.Every(time.Hour)
	names := []string{"x", "nightly clean-up", "übernacht", `"'\ \u0000`}
	add := func(when string) {
		for _, name := range names {
			must(t, durable.Every(q, name, hourly, one))
			if err := durable.Every(q, name, hourly, one); err == nil || !strings.Contains(err.Error(), "already") {
				t.Errorf("%s, a second %q: %v", when, name, err)
			}
		}
	}
	add("before the start")
	start(t, jobs)
	for _, name := range names {
		if found, err := jobs.Forget(name); !found || err != nil {
			t.Errorf("forget %q: %v, %v", name, found, err)
		}
	}
	add("at run time")
}

func TestMigrateRefusesNoStore(t *testing.T) {
	if err := durable.Migrate[*sql.Tx](t.Context(), nil); err == nil {
		t.Error("migrated")
	}
}

func TestAQueueRefusesMoreThanTheEngineCanDo(t *testing.T) {
	jobs := newJobs(t, openSQLite(t).store, durable.EnqueueAndWork)
	for field, cfg := range map[string]durable.QueueConfig[int]{
		"Timeout":     {Timeout: 1<<63 - 1},
		"Concurrency": {Concurrency: 10_001},
	} {
		if _, err := durable.NewQueue(jobs, "much", nothing[int], cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestStopEndsAStartThatWaitsForTheStore(t *testing.T) {
	e := openSQLite(t)
	tx, err := e.begin(t.Context()) // holds the only connection
	must(t, err)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, jobs, "idle", nothing[int], durable.QueueConfig[int]{})
	ended := make(chan error, 1)
	go func() { ended <- jobs.Start(context.Background()) }()
	until(t, "the start waits", func() bool { return e.store.(*sqlite.Store).DB().Stats().WaitCount > 0 })
	stop(t, jobs)
	if err := receive(t, ended); err == nil {
		t.Error("started")
	}
	must(t, e.end(t.Context(), tx, false))
}

func ExampleQueue() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()
	ctx := context.Background()

	// Once per deployment.
	err = durable.Migrate(ctx, store)
	// The handler could serve channelq.NewWorkers as well.
	sent := make(chan struct{})
	send := func(_ context.Context, to string) error {
		defer close(sent)
		fmt.Println("mail to", to)
		return nil
	}
	jobs, err2 := durable.New(store, durable.Config{})
	emails, err3 := durable.NewQueue(jobs, "email", send, durable.QueueConfig[string]{})
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err)
	}

	h := hosted.New(hosted.Config{})
	h.Add("jobs", jobs)
	err = h.Start(ctx)
	// The mail goes out if and only if the transaction commits.
	tx, err2 := store.DB().BeginTx(ctx, nil)
	_, err3 = durable.EnqueueTx(ctx, tx, emails, "ann@example.org", durable.Unique("welcome-ann"))
	if err := errors.Join(err, err2, err3, tx.Commit()); err != nil {
		panic(err)
	}
	<-sent
	fmt.Println(h.Stop(ctx))
	// Output:
	// mail to ann@example.org
	// <nil>
}

// The receipt is enqueued by the transaction that completes the charge.
func ExampleThen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()
	ctx := context.Background()

	err = durable.Migrate(ctx, store)
	jobs, err2 := durable.New(store, durable.Config{})
	sent := make(chan struct{})
	receipts, err3 := durable.NewQueue(jobs, "receipt", func(_ context.Context, order int) error {
		fmt.Println("receipt for order", order)
		close(sent)
		return nil
	}, durable.QueueConfig[int]{})
	charge := func(ctx context.Context, order int) error {
		fmt.Println("charged order", order)
		return durable.Then(ctx, receipts, order)
	}
	charges, err4 := durable.NewQueue(jobs, "charge", charge, durable.QueueConfig[int]{})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		panic(err)
	}
	err = jobs.Start(ctx)
	if err = errors.Join(err, charges.Enqueue(ctx, 7)); err != nil {
		panic(err)
	}
	<-sent
	fmt.Println(jobs.Stop(ctx))
	// Output:
	// charged order 7
	// receipt for order 7
	// <nil>
}

// BenchmarkDrain is one no-op job with ten workers, enqueueing not included.
func BenchmarkDrain(b *testing.B) {
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "jobs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	jobs, err := durable.New(store, durable.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	done := make(chan struct{})
	count := func(context.Context, int) error {
		if n.Add(1) == int64(b.N) {
			close(done)
		}
		return nil
	}
	q, err := durable.NewQueue(jobs, "noop", count, durable.QueueConfig[int]{Concurrency: 10})
	if err = errors.Join(err, durable.Migrate(b.Context(), store)); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if err := q.Enqueue(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	err = jobs.Start(b.Context())
	<-done
	if err = errors.Join(err, jobs.Stop(b.Context())); err != nil {
		b.Fatal(err)
	}
}
