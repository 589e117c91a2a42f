package leader

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Elector is one candidate for the lead of one group, for use with [Only] or
// [Loop], one at a time. Make it with [New]; it does nothing until the service
// starts, and needs no end. All methods may be called from any goroutine.
type Elector struct {
	lease *lease
	grace time.Duration

	mu    sync.Mutex
	inUse bool // a service stands with it
	stats Stats
}

// Stats is what an [Elector] knows at one moment. It is a copy; counters begin
// at 0 when the process does.
type Stats struct {
	Group   string    // Config.Group
	Leading bool      // the lead is ours, and trusted
	Since   time.Time // when Leading last changed, or the service started; zero before
	Fence   int64     // of the current term, or of the last one; 0 before the first

	Terms       uint64 // how often the lead was gained
	Lost        uint64 // how many of the terms ended against our will
	Transitions uint64 // how often Leading changed

	// Outage is when the store first failed to answer; zero while it answers, and
	// when nobody asks. Who leads is not known here meanwhile, except that a leader
	// leads on until its lease ends.
	Outage time.Time
	// Stuck says that a term is over and its work has not returned, so that this
	// process does not stand.
	Stuck bool
	// Err is the last failure: of the store, of a start or of a term. nil since a
	// term was gained, or since the store answered again.
	Err error
}

// New makes a candidate. It does not ask the store for anything.
func New(store Store, cfg Config) (*Elector, error) {
	l, err := newLease("new", "Group", store, cfg)
	if err != nil {
		return nil, err
	}
	e := &Elector{lease: l, grace: cfg.Grace, stats: Stats{Group: cfg.Group}}
	l.onLost = func(t *term) func() { return e.ceased(t, t.why) }
	l.onRenew = e.renewed
	if e.grace == 0 {
		e.grace = l.ttl
	}
	return e, nil
}

// Stats returns the numbers of this moment. It asks nobody and never blocks for
// long.
func (e *Elector) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Group is the group's name.
func (e *Elector) Group() string { return e.lease.key }

// Role says whether this process leads, since when that is so, and the fence of
// the current or last term. With Group and Transitions it is what the packages
// metrics and dashboard look for.
func (e *Elector) Role() (leading bool, since time.Time, fence int64) {
	s := e.Stats()
	return s.Leading, s.Since, s.Fence
}

// Transitions counts how often this process became or ceased to be the leader.
func (e *Elector) Transitions() uint64 { return e.Stats().Transitions }

// Outage says since when the store has not answered this candidate, and what it
// failed with last: see [Stats]. The zero time and nil while it answers. Packages
// metrics and dashboard look for it too: without a store nobody comes to lead.
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

// unclaim lets another service have the elector, when no work is left that its
// term could begin beside.
func (e *Elector) unclaim() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inUse = false
	e.stats.Stuck = false
	e.stats.Outage = time.Time{}
}

// answered notes how a try for the lease went. The log gets the first failure of
// a streak and its end: an outage of an hour is two lines.
func (e *Elector) answered(err error) {
	began, ended := e.reached(err)
	if ended {
		e.logAnswer()
	}
	if began {
		e.lease.log.Warn("lease cannot be asked for", "group", e.lease.key, "error", err)
	}
}

// renewed is the same for a renewal, of which the keeper logs each failure: there
// are few before the lease is lost, and each is a step nearer. write is nil when
// there is nothing to log.
func (e *Elector) renewed(err error) (write func()) {
	if _, ended := e.reached(err); ended {
		return e.logAnswer
	}
	return nil
}

func (e *Elector) logAnswer() {
	e.lease.log.Info("store of the lease answers again", "group", e.lease.key)
}

// reached notes whether the store answered, and reports whether an outage began or
// ended with that.
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

// gained notes the begin of a term. The log gets it in this order even when the
// lease was lost before anybody got here.
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

// ceased notes the end of a term: lost, or given up with a nil error. It does so
// when the lead is no longer trusted, which is before the work has returned; write
// logs it.
func (e *Elector) ceased(t *term, lost error) (write func()) {
	e.mu.Lock()
	if !t.noted { // this process was stopped in between; gained comes back to it
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
		e.lease.log.Info("leadership given up", args...)
	}
}

// changeLocked is the one place where Leading changes, so that no change is left
// uncounted.
func (e *Elector) changeLocked(leading bool) {
	e.stats.Leading, e.stats.Since = leading, e.lease.now()
	e.stats.Transitions++
}

// stuck notes that work does not return; unclaim takes that back.
func (e *Elector) stuck(is bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Stuck = is
	e.stats.Outage = time.Time{} // nobody asks any more
}

// failedToStart is an Error and no Warn: the store and the lease are well, and so
// nothing here will mend it.
func (e *Elector) failedToStart(err error) {
	e.mu.Lock()
	e.stats.Err = err
	e.mu.Unlock()
	e.lease.log.Error("leader-only service does not start, the lead is given up", "group", e.lease.key, "error", err)
}

func (e *Elector) error(what string, err error) error {
	return fmt.Errorf("stead/leader: %s %q: %w", what, e.lease.key, err)
}
