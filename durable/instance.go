package durable

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

const (
	beatEvery = 15 * time.Second
	beatWait  = time.Second // for one statement, so that a stop does not wait for long
)

// announce tells the store every now and then that this process lives, and more often
// asks whether it answers, until the stop is over. The engine itself knows no
// processes, only the age of jobs.
func (j *Jobs[TTx]) announce(id string) {
	host, _ := os.Hostname() // empty when unknown
	self := lifecycle.Instance{ID: id, Host: host, PID: os.Getpid(), Role: j.role(), Since: time.Now()}
	left := make(chan struct{})
	j.mu.Lock()
	j.left = left
	j.mu.Unlock()
	verified := make(chan struct{})
	go func() {
		defer close(verified)
		if v, ok := j.store.(verifier); ok {
			j.verify(j.cut, v)
		}
	}()
	go func() {
		defer close(left)
		tick := time.NewTicker(min(checkEvery, j.beat))
		defer tick.Stop()
		for said := (time.Time{}); ; {
			j.check(j.cut)
			if now := time.Now(); now.Sub(said) >= j.beat {
				said = now
				j.tell(j.cut, func(ctx context.Context) error { return j.store.Announce(ctx, self) })
			}
			select {
			case <-tick.C:
			case <-j.cut.Done():
				j.tell(context.Background(), func(ctx context.Context) error { return j.store.Leave(ctx, id) })
				<-verified
				j.health.clear() // nobody asks any more
				return
			}
		}
	}()
}

// tell does one statement. That it fails hurts nothing but the list.
func (j *Jobs[TTx]) tell(ctx context.Context, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, beatWait)
	defer cancel()
	if err := do(ctx); err != nil {
		j.log.Debug("process not announced", slog.Any("error", err))
	}
}

// enqueues is the role of a process that takes no jobs.
const enqueues = "enqueues"

func (j *Jobs[TTx]) role() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case !j.worksLocked():
		return enqueues
	case j.cfg.Mode == WorkOnly:
		return "works"
	default:
		return "enqueues and works"
	}
}

// Instances lists the processes that have started jobs on this store and were seen
// in the last minute, the oldest first: which there are, since when, and which of
// them leads. One that is killed stays listed for up to a minute. It is at most a
// second old, older when the store does not answer.
func (j *Jobs[TTx]) Instances() []lifecycle.Instance {
	j.mu.Lock()
	client := j.client
	j.mu.Unlock()
	list := append([]lifecycle.Instance(nil), j.instances.look(j.store.Instances)...)
	for i := range list {
		list[i].Own = client != nil && list[i].ID == client.ID()
	}
	return list
}
