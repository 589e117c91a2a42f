package durable_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/durabletest"
)

type receipt struct{ ID int }

func TestAQueueIsFoundByItsTypeIfItIsTheOnlyOne(t *testing.T) {
	jobs := durabletest.Jobs[*sql.Tx]()
	if _, err := durable.QueueOf[receipt](jobs); err == nil || err.Error() != `stead/durable: queue of durable_test.receipt: "jobs" has no queue of this type` {
		t.Errorf("without a queue: %v", err)
	}
	newQueue[int](t, jobs, "number", nil, durable.QueueConfig[int]{})
	want := newQueue[receipt](t, jobs, "receipt", nil, durable.QueueConfig[receipt]{})
	if q, err := durable.QueueOf[receipt](jobs); err != nil || q != want {
		t.Errorf("%v %v", q, err)
	}
	if _, err := durable.QueueOf[*receipt](jobs); err == nil {
		t.Error("a pointer is not its type")
	}
	newQueue[receipt](t, jobs, "late-receipt", nil, durable.QueueConfig[receipt]{})
	if _, err := durable.QueueOf[receipt](jobs); err == nil || !strings.HasSuffix(err.Error(), `has more than one: "receipt", "late-receipt"`) {
		t.Errorf("with two: %v", err)
	}
	if _, err := durable.QueueOf[receipt, *sql.Tx](nil); err == nil || !strings.HasSuffix(err.Error(), "the jobs are nil") {
		t.Errorf("without jobs: %v", err)
	}
}
