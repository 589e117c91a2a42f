package durable

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/lifecycle"
)

// maxStack is how many bytes of a stack are stored: each attempt adds one.
const maxStack = 8 << 10

// stacks are those of panics whose attempts are not written down yet. The engine writes
// the stacks of panics that it has caught itself, and here a handler's never gets that
// far.
type stacks struct {
	mu   sync.Mutex
	jobs map[int64]*string
}

// note keeps the stack of a panic, if the attempt ended with one.
func (s *stacks) note(job int64, err error) {
	var panicked *lifecycle.PanicError
	is := errors.As(err, &panicked)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, job) // of an attempt that was never written down
	if !is {
		return
	}
	if s.jobs == nil {
		s.jobs = map[int64]*string{}
	}
	stack := cut(storableText(string(panicked.Stack)), maxStack)
	s.jobs[job] = &stack
}

// into returns what attempts failed with, with their stacks, and these by job.
func (s *stacks) into(params *riverdriver.JobSetStateIfRunningManyParams) (data [][]byte, used map[int64]*string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.jobs) == 0 {
		return params.ErrData, nil
	}
	data, used = slices.Clone(params.ErrData), map[int64]*string{}
	for i, id := range params.ID {
		stack, ok := s.jobs[id]
		var e rivertype.AttemptError
		if !ok || data[i] == nil || json.Unmarshal(data[i], &e) != nil {
			continue
		}
		e.Trace, used[id] = *stack, stack
		if with, err := json.Marshal(e); err == nil {
			data[i] = with
		}
	}
	return data, used
}

// forget drops stacks that are written down, but not those of later attempts.
func (s *stacks) forget(used map[int64]*string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, stack := range used {
		if s.jobs[id] == stack {
			delete(s.jobs, id)
		}
	}
}
