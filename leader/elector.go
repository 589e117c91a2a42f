package leader

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Elector is one candidate for the lead of one group, for [Only] or [Loop], one
// service at a time. Use [New] to create it. It does nothing until the service
// starts, and need not be closed. It is safe for concurrent use.
type Elector struct {
	lease *lease
	grace time.Duration

	mu    sync.Mutex
	inUse bool // a service stands with it
	stats Stats
}

// Stats is a snapshot of an [Elector]. Counters begin at 0 when the process does.
type Stats struct {
	Group   string    // Config.Group
	Leading bool      // this process leads, and trusts its lease
	Since   time.Time // when Leading last changed, or the service started; zero before that
	Fence   int64     // fence of the current or last term; 0 before the first

	Terms       uint64 // how often this process gained the lead
	Lost        uint64 // how many of the terms were lost
	Transitions uint64 // how often Leading changed

	// Outage is when the store first failed to answer. It is zero while the store
	// answers and while it is not asked. During an outage this process does not
	// know who leads, except that a leader leads until its lease expires.
	Outage time.Time
	// Stuck reports that a term has ended and its work has not returned, so that
	// this process is not a candidate.
	Stuck bool
	// Err is the last failure of the store, of a start or of a term. It is nil
	// after a term was gained, and after the store answered again.
	Err error
}

// New creates a candidate. It does not call the store. It returns an error that
// names the field if cfg is invalid, or if store is nil.
func New(store Store, cfg Config) (*Elector, error) {
	l, err := newLease("new", "Group", store, cfg)
	if err != nil {
		return nil, err
	}
	e := &Elector{lease: l, grace: cfg.Grace, stats: Stats{Group: cfg.Group}}
	l.onLost = func(t *term) func() { return e.ceased(t, t.lostCause) }
	l.onRenew = e.renewed
	if e.grace == 0 {
		e.grace = l.ttl
	}
	return e, nil
}

// Stats returns a snapshot. It does not call the store.
func (e *Elector) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Group returns Config.Group.
func (e *Elector) Group() string { return e.lease.key }

// Role returns whether this process leads, since when that is so, and the fence of
// the current or last term. Packages metrics and dashboard look for Role, Group and
// Transitions.
func (e *Elector) Role() (leading bool, since time.Time, fence int64) {
	s := e.Stats()
	return s.Leading, s.Since, s.Fence
}

// Transitions returns how often this process became or ceased to be the leader.
func (e *Elector) Transitions() uint64 { return e.Stats().Transitions }

// Outage returns since when the store has not answered this candidate, and its last
// error; see [Stats]. It returns the zero time and nil while the store answers.
// Packages metrics and dashboard look for it, because no process can gain the lead
// without a store.
func (e *Elector) Outage() (since time.Time, err error) {
	s := e.Stats()
	if s.Outage.IsZero() {
		return time.Time{}, nil
	}
	return s.Outage, s.Err
}

// claim reserves the elector for one service.
func (e *Elector) claim() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inUse {
		return errors.New("another service stands with this elector")
	}
	e.inUse = true
	e.stats.Since = e.lease.now()
	return nil
}

// unclaim frees the elector for another service. No work of the last term may be
// running.
func (e *Elector) unclaim() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inUse = false
	e.stats.Stuck = false
	e.stats.Outage = time.Time{}
}

// answered records the result of a request for the lease. It logs the first failure
// of a streak and its end, so that an outage of an hour is two lines.
func (e *Elector) answered(err error) {
	began, ended := e.reached(err)
	if ended {
		e.logAnswer()
	}
	if began {
		e.lease.log.Warn("lease cannot be requested", "group", e.lease.key, "error", err)
	}
}

// renewed records the result of a renewal. renewLoop logs each failed renewal
// itself: there are few before the lease is lost, and each is a step towards that.
// write is nil if there is nothing to log.
func (e *Elector) renewed(err error) (write func()) {
	if _, ended := e.reached(err); ended {
		return e.logAnswer
	}
	return nil
}

func (e *Elector) logAnswer() {
	e.lease.log.Info("store of the lease answers again", "group", e.lease.key)
}

// reached records whether the store answered, and reports whether an outage began
// or ended with that.
func (e *Elector) reached(err error) (began, ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := !e.stats.Outage.IsZero()
	switch {
	case err == nil && out:
		e.stats.Outage, e.stats.Err = time.Time{}, nil
	case err != nil && !out:
		e.stats.Outage, e.stats.Err = e.lease.now(), err
	case err != nil:
		e.stats.Err = err
	}
	return err != nil && !out, err == nil && out
}

// gained records the beginning of a term. It logs the beginning before the end even
// if the lease was lost before gained was called.
func (e *Elector) gained(t *term) {
	e.mu.Lock()
	e.stats.Fence = t.fence
	e.stats.Terms++
	e.stats.Err = nil
	e.changeLocked(true)
	t.noted = true
	lost := t.lostUnnoted
	e.mu.Unlock()
	e.lease.log.Info("leadership gained", "group", t.key, "fence", t.fence)
	if lost != nil {
		e.ceased(t, lost)()
	}
}

// ceased records the end of a term: lost, or released if lost is nil. It is called
// when the lease is no longer trusted, which is before the work has returned. write
// logs the end.
func (e *Elector) ceased(t *term, lost error) (write func()) {
	e.mu.Lock()
	if !t.noted { // this process was paused in between; gained makes up for it
		t.lostUnnoted = lost
		e.mu.Unlock()
		return func() {}
	}
	held := e.lease.now().Sub(t.began)
	if lost != nil {
		e.stats.Lost++
		e.stats.Err = lost
	}
	e.changeLocked(false)
	e.mu.Unlock()
	return func() {
		args := []any{"group", t.key, "fence", t.fence, "duration", held}
		if lost != nil {
			e.lease.log.Warn("leadership lost", append(args, "error", lost)...)
			return
		}
		e.lease.log.Info("leadership released", args...)
	}
}

// changeLocked is the only place where Leading changes, so that every change is
// counted.
func (e *Elector) changeLocked(leading bool) {
	e.stats.Leading, e.stats.Since = leading, e.lease.now()
	e.stats.Transitions++
}

// stuck records that work does not return; unclaim resets it.
func (e *Elector) stuck(is bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Stuck = is
	e.stats.Outage = time.Time{} // the store is not asked any more
}

// failedToStart logs an Error, not a Warn: the store and the lease work, so nothing
// here will fix it.
func (e *Elector) failedToStart(err error) {
	e.mu.Lock()
	e.stats.Err = err
	e.mu.Unlock()
	e.lease.log.Error("leader-only service does not start, the lead is released", "group", e.lease.key, "error", err)
}

func (e *Elector) error(what string, err error) error {
	return fmt.Errorf("stead/leader: %s %q: %w", what, e.lease.key, err)
}
