package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// grenade is an item whose own decoder panics.
type grenade struct{}

func (grenade) MarshalJSON() ([]byte, error)  { return []byte(`{}`), nil }
func (*grenade) UnmarshalJSON(b []byte) error { panic("index out of range") }

// The engine decodes on a goroutine that nobody guards, and so does the rescue.
func TestADecoderThatPanicsIsAPayloadThatCannotBeDecoded(t *testing.T) {
	e := openSQLite(t)
	first := newQueue[grenade](t, newJobs(t, e.store, durable.EnqueueOnly), "boom", nil, durable.QueueConfig[grenade]{})
	lost := enqueue(t, first, grenade{})
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=max_attempts, attempted_by="+e.by+", attempted_at='2020-01-01 00:00:00'"))
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "boom", func(context.Context, grenade) error { return errors.New("called") }, durable.QueueConfig[grenade]{})
	fresh := enqueue(t, q, grenade{})
	start(t, jobs)
	row := inState(t, jobs, fresh, rivertype.JobStateCancelled)
	if n := len(row.Errors); n != 1 || !strings.Contains(row.Errors[0].Error, "decode") {
		t.Errorf("errors %+v", row.Errors)
	}
	lookTwice(t, jobs)
	inState(t, jobs, lost, rivertype.JobStateDiscarded)
	until(t, "both are given up", func() bool { return q.Stats().GaveUp == 2 })
	if list := q.Jobs("discarded"); len(list) != 1 || list[0].Item != "{}" {
		t.Errorf("%+v", list)
	}
}

type evil struct{}

func (evil) Error() string { panic("no text") }

// An error is text to the engine, which asks for it where nobody catches a panic.
func TestAnErrorWhoseTextPanicsIsAFailureAndNothingElse(t *testing.T) {
	e := openSQLite(t)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "evil", func(_ context.Context, how string) error {
		if how == "joined" {
			return errors.Join(errors.New("a"), evil{})
		}
		return evil{}
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 2}})
	var ids []int64
	for _, how := range []string{"plain", "joined"} {
		ids = append(ids, enqueue(t, q, how))
	}
	start(t, jobs)
	for _, id := range ids {
		inState(t, jobs, id, rivertype.JobStateDiscarded)
	}
	if s := q.Stats(); s.GaveUp != 2 || s.Retried != 2 || s.Panics != 4 {
		t.Errorf("%+v", s)
	}
}
