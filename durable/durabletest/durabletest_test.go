package durabletest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/durabletest"
	"github.com/steadgo/stead/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	ID     int
	secret string
}

func queueOf[T any](t *testing.T, jobs *durable.Jobs[*sql.Tx], kind string) *durable.Queue[T] {
	t.Helper()
	q, err := durable.NewQueue[T](jobs, kind, nil, durable.QueueConfig[T]{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestWhatAHandlerAsksForIsNotedAsItWouldBeStored(t *testing.T) {
	orders := queueOf[order](t, durabletest.Jobs[*sql.Tx](), "order")
	synctest.Test(t, func(t *testing.T) {
		got := make(chan order, 1)
		at := time.Now().Add(time.Hour)
		out, err := durabletest.Run(t.Context(), func(ctx context.Context, o order) error {
			got <- o
			return errors.Join(durable.Then(ctx, orders, o),
				durable.Then(ctx, orders, order{8, "x"}, durable.In(time.Hour), durable.Unique("k"), durable.Priority(3)))
		}, order{7, "x"})
		if o := <-got; err != nil || o != (order{ID: 7}) {
			t.Errorf("the handler got %+v, %v", o, err)
		}
		want := []durabletest.Queued{
			{Queue: "order", Item: order{ID: 7}, Priority: 1},
			{Queue: "order", Item: order{ID: 8}, At: at, Unique: "k", Priority: 3},
		}
		if fmt.Sprint(out.Queued) != fmt.Sprint(want) || out.Completed {
			t.Errorf("%+v, want %+v", out, want)
		}
	})
}

func TestNothingFollowsAHandlerThatFails(t *testing.T) {
	next := queueOf[int](t, durabletest.Jobs[*sql.Tx](), "next")
	bad := errors.New("bad")
	var panicked *lifecycle.PanicError
	for how, is := range map[string]func(error) bool{
		"error": func(err error) bool { return errors.Is(err, bad) },
		"panic": func(err error) bool { return errors.As(err, &panicked) },
	} {
		out, err := durabletest.Run(t.Context(), func(ctx context.Context, how string) error {
			if err := durable.Then(ctx, next, 1); err != nil {
				t.Error(err)
			}
			if how == "panic" {
				panic(bad)
			}
			return bad
		}, how)
		if !is(err) || len(out.Queued) != 0 {
			t.Errorf("%s: %+v, %v", how, out, err)
		}
	}
}

func TestThenAndCompleteTxRefuseWhatTheyRefuseInAProgram(t *testing.T) {
	next := queueOf[any](t, durabletest.Jobs[*sql.Tx](), "next")
	tx := new(sql.Tx) // never used
	var late context.Context
	out, err := durabletest.Run(t.Context(), func(ctx context.Context, _ int) error {
		late = ctx
		if err := durable.CompleteTx(ctx, tx); err != nil {
			return err
		}
		return durable.Then(ctx, next, 1)
	}, 0)
	if err == nil || !strings.Contains(err.Error(), "CompleteTx was called before") || !out.Completed {
		t.Errorf("%+v, %v", out, err)
	}
	_, errThen := durabletest.Run(t.Context(), func(ctx context.Context, _ int) error {
		return errors.Join(durable.Then(ctx, next, 1), durable.CompleteTx(ctx, tx))
	}, 0)
	_, errItem := durabletest.Run(t.Context(), func(ctx context.Context, _ int) error {
		return durable.Then(ctx, next, any(func() {}))
	}, 0)
	_, errOption := durabletest.Run(t.Context(), func(ctx context.Context, _ int) error {
		return durable.Then(ctx, next, 1, durable.Priority(9))
	}, 0)
	for want, err := range map[string]error{
		"Then was called before": errThen, "unsupported type": errItem, "Priority": errOption,
		"not that of a running": durable.Then(late, next, 1), "complete: the context": durable.CompleteTx(late, tx),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestRunNeedsAHandlerAndAnItemThatSurvivesJSON(t *testing.T) {
	if _, err := durabletest.Run[int](t.Context(), nil, 1); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("no handler: %v", err)
	}
	called := false
	_, err := durabletest.Run(t.Context(), func(context.Context, any) error { called = true; return nil }, any(func() {}))
	if err == nil || called {
		t.Errorf("%v, called %v", err, called)
	}
}

func TestJobsWithoutAStoreRefuseWhatNeedsOne(t *testing.T) {
	jobs := durabletest.Jobs[pgx.Tx]()
	q, err := durable.NewQueue(jobs, "next", func(context.Context, int) error { return nil }, durable.QueueConfig[int]{})
	if err != nil {
		t.Fatal(err)
	}
	_, errGet := q.Job(t.Context(), 1)
	for what, err := range map[string]error{"start": jobs.Start(t.Context()), "enqueue": q.Enqueue(t.Context(), 1), "get": errGet} {
		if err == nil || !strings.Contains(err.Error(), "no store, see durabletest") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s := q.Stats(); s.Depth != 0 || len(q.Failures()) != 0 || len(jobs.Instances()) != 0 || q.Paused() {
		t.Error("it knows something")
	}
	if err := jobs.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// A handler that is charged with what comes next, as a program would write it.
func TestAHandlerIsToldThatItIsTheFirstAttempt(t *testing.T) {
	_, err := durabletest.Run(t.Context(), func(ctx context.Context, _ int) error {
		if id, n, ok := durable.Attempt(ctx); id != 1 || n != 1 || !ok {
			t.Errorf("%d, %d, %v", id, n, ok)
		}
		return nil
	}, 7)
	if err != nil {
		t.Error(err)
	}
}

func ExampleRun() {
	receipts, err := durable.NewQueue[string](durabletest.Jobs[*sql.Tx](), "receipt", nil, durable.QueueConfig[string]{})
	if err != nil {
		panic(err)
	}
	charge := func(ctx context.Context, order int) error {
		return durable.Then(ctx, receipts, fmt.Sprint("receipt for order ", order), durable.Unique(fmt.Sprint(order)))
	}

	outcome, err := durabletest.Run(context.Background(), charge, 7)
	fmt.Println(err)
	for _, next := range outcome.Queued {
		fmt.Println(next.Queue, next.Unique, next.Item)
	}
	// Output:
	// <nil>
	// receipt 7 receipt for order 7
}

// The document and the job that is done with it are one transaction, which the
// test need not have.
func ExampleOutcome() {
	index := func(ctx context.Context, document string) error {
		tx := new(sql.Tx) // of the program's database, where there is one
		return durable.CompleteTx(ctx, tx)
	}
	outcome, err := durabletest.Run(context.Background(), index, "a.txt")
	fmt.Println(outcome.Completed, len(outcome.Queued), err)
	// Output: true 0 <nil>
}

func ExampleQueued() {
	mails, err := durable.NewQueue[string](durabletest.Jobs[*sql.Tx](), "mail", nil, durable.QueueConfig[string]{})
	if err != nil {
		panic(err)
	}
	signUp := func(ctx context.Context, user string) error {
		return durable.Then(ctx, mails, "welcome, "+user, durable.In(time.Hour), durable.Priority(4))
	}
	outcome, err := durabletest.Run(context.Background(), signUp, "ann")
	next := outcome.Queued[0]
	fmt.Println(next.Item, next.Priority, next.At.After(time.Now()), err)
	// Output: welcome, ann 4 true <nil>
}
