package durable

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// QueueOf returns the queue of jobs whose items are T, for code that enqueues and does not
// have what [NewQueue] returned. It returns an error if no queue that was added so far has
// items of exactly this type, or more than one has: then hand the queue itself over. The
// type is named once at the call: durable.QueueOf[Receipt](jobs).
func QueueOf[T, TTx any](jobs *Jobs[TTx]) (*Queue[T], error) {
	fail := func(err error) (*Queue[T], error) {
		return nil, fmt.Errorf("stead/durable: queue of %v: %w", reflect.TypeFor[T](), err)
	}
	if jobs == nil {
		return fail(errors.New("the jobs are nil"))
	}
	var found *Queue[T]
	var names []string
	for _, q := range jobs.Queues() {
		if own, ok := q.(*Queue[T]); ok {
			found = own
			names = append(names, fmt.Sprintf("%q", own.kind))
		}
	}
	switch len(names) {
	case 0:
		return fail(fmt.Errorf("%q has no queue of this type", jobs.Name()))
	case 1:
		return found, nil
	}
	return fail(fmt.Errorf("%q has more than one: %s", jobs.Name(), strings.Join(names, ", ")))
}
