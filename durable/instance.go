package durable

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

const (
	beatEvery = 15 * time.Second // at most
	beatWait  = time.Second      // for one statement, so that a stop does not wait for long
)

// announce tells the store every now and then that this process lives, and more often
// asks whether it answers, until the stop is over. The engine itself knows no
// processes, only the age of jobs.
func (j *core) announce(id string, works bool) {
	host, _ := os.Hostname() // empty when unknown
	self := lifecycle.Instance{ID: id, Host: storableText(host), PID: os.Getpid(), Role: j.role(), Since: time.Now()}
	left := make(chan struct{})
	horizon := j.rescueAfter()
	j.mu.Lock()
	j.left = left
	j.mu.Unlock()
	verified := make(chan struct{})
	go func() {
		defer close(verified)
		if v, ok := j.store.(verifier); ok {
			j.verify(j.leaving, v)
		}
	}()
	go func() {
		defer close(left)
		every := min(j.beat, horizon/4)
		tick := time.NewTicker(min(checkEvery, every))
		defer tick.Stop()
		j.recorder.forget = time.Now().Add(time.Minute)
		for said := (time.Time{}); ; {
			j.check(j.leaving)
			if _, err := j.Outage(); err == nil {
				j.record(j.leaving)
			}
			if now := time.Now(); now.Sub(said) >= every {
				said = now
				if !works {
					j.tell(j.leaving, j.lookAtDue) // for the clock
				}
				j.tell(j.leaving, func(ctx context.Context) error {
					err := j.store.Announce(ctx, self, horizon)
					if err == nil {
						j.sight.told(time.Now(), horizon)
					}
					return err
				})
			}
			select {
			case <-tick.C:
			case <-j.leaving.Done():
				j.record(context.Background())
				// A handler that ignores the stop runs on: its job is this process's
				// until that was not seen for a while.
				if j.running.len() == 0 {
					j.tell(context.Background(), func(ctx context.Context) error { return j.store.Leave(ctx, id) })
				}
				<-verified
				j.health.clear() // nobody asks any more
				return
			}
		}
	}()
}

// clientID is the name of this process in the store, empty for the engine's own, which
// begins with the first 60 bytes of the host's name: any bytes, on some systems.
func clientID(host string) string {
	for _, c := range []byte(host) {
		if c < ' ' || c > '~' {
			return "host_" + rand.Text()
		}
	}
	return ""
}

// tell does one statement. That it fails hurts nothing but the list.
func (j *core) tell(ctx context.Context, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, beatWait)
	defer cancel()
	if err := do(ctx); err != nil {
		j.log.Debug("process not announced", slog.Any("error", err))
	}
}

// enqueues is the role of a process that takes no jobs.
const enqueues = "enqueues"

func (j *core) role() string {
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
func (j *core) Instances() []lifecycle.Instance {
	j.mu.Lock()
	client := j.client
	j.mu.Unlock()
	list := append([]lifecycle.Instance(nil), j.instances.look(j.store.Instances)...)
	for i := range list {
		list[i].Own = client != nil && list[i].ID == client.ID()
	}
	return list
}
