package durable

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/internal/guard"
)

const (
	makeBrief = 100 * time.Millisecond // what the other schedules wait for one call of make, once
	makeMost  = 5 * time.Second        // until the slot is skipped
	askMost   = time.Second            // for all that a schedule is asked in one step
)

// making is one call of the make of Every. It runs beside the scheduler, which goes on
// when it does not return.
type making struct {
	began time.Time
	done  chan struct{} // closed when it has returned; what follows is readable then
	args  payload
	opts  *river.InsertOpts
	err   error
	late  bool // a slot was skipped because of it
}

// make calls describe on a goroutine of its own.
func (s *entry) make() *making {
	m := &making{began: time.Now(), done: make(chan struct{})}
	go guard.Run(func() (err error) {
		m.args, m.opts, err = s.describe()
		return err
	}, func(err error) {
		m.err = err
		close(m.done)
		s.jobs.scheduler.look()
	})
	return m
}

// wait reports whether the call has returned after at most d.
func (m *making) wait(d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-m.done:
		return true
	case <-timer.C:
	}
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// errMaking says that make may still return in time.
var errMaking = errors.New("the function has not returned yet")

func (m *making) overdue() error {
	return fmt.Errorf("the function was called %v ago and has not returned", time.Since(m.began).Round(time.Second))
}

// made returns the job for a slot: of the call that is running, or of a new one.
func (s *entry) made(slot time.Time) (payload, *river.InsertOpts, error) {
	if s.making != nil && s.making.late && s.making.wait(0) {
		s.making = nil // what it returned is of long ago
	}
	if s.making == nil {
		s.making = s.make()
	}
	m := s.making
	if !m.wait(makeBrief - time.Since(m.began)) {
		if time.Since(m.began) < makeMost {
			return payload{}, nil, errMaking
		}
		m.late = true
		return payload{}, nil, m.overdue()
	}
	s.making = nil
	if m.err != nil {
		return payload{}, nil, m.err
	}
	args, err := s.stamp(m.args, m.opts, slot)
	return args, m.opts, err
}

// skip says that a slot gets no job.
func (s *entry) skip(slot time.Time, why error) {
	s.log().Error("slot skipped", slog.Time("slot", slot), slog.Any("error", why))
}

// ask runs f, which asks the schedule, on a goroutine of its own. It is not answered as
// long as a call has not returned; others do not wait for that more than once.
func (s *entry) ask(f func() error) (answered bool, err error) {
	if s.asking != nil {
		select {
		case late := <-s.asking:
			s.log().Info("schedule answers again", slog.Any("error", late))
			s.asking = nil
		default:
			return false, nil
		}
	}
	outcome := make(chan error, 1)
	go guard.Run(f, func(err error) { outcome <- err })
	timer := time.NewTimer(askMost)
	defer timer.Stop()
	select {
	case err = <-outcome:
		return true, err
	case <-timer.C:
	}
	select {
	case err = <-outcome:
		return true, err
	default:
		s.asking = outcome
		s.log().Error("schedule does not answer", slog.Duration("waited", askMost))
		return false, nil
	}
}
