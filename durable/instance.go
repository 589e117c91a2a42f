package durable

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

const (
	beatEvery = 15 * time.Second // at most
	beatWait  = time.Second      // for one statement, so that a stop does not wait for long
)

// announce tells the store every now and then that this process lives, and more often
// asks whether it answers, until the stop has ended. The engine itself knows no
// processes, only the age of jobs.
func (j *core) announce(id string, works bool) {
	host, _ := os.Hostname() // empty when unknown
	self := lifecycle.Instance{ID: id, Host: storableText(host), PID: os.Getpid(), Role: j.role(), Since: time.Now()}
	left := make(chan struct{})
	horizon := j.rescueAfter()
	queues := j.worked(works)
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
				// The sign of life waits for it. A stop must not cut it: sums would be added twice.
				j.record(context.Background(), beatWait)
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
						err = j.store.Works(ctx, id, queues)
					}
					return err
				})
			}
			select {
			case <-tick.C:
			case <-j.leaving.Done():
				wait := tickWait // what is not written now is lost
				if _, err := j.Outage(); err != nil {
					wait = beatWait
				}
				j.record(context.Background(), wait)
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

// worked are the queues that this process takes jobs from.
func (j *core) worked(works bool) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	queues := []string{}
	for _, q := range j.queues {
		if works && q.concurrency > 0 {
			queues = append(queues, q.kind)
		}
	}
	return queues
}

// maxHand is how many jobs are listed that a process has in hand.
const maxHand = 20

// readInstances lists the processes and what they do. That is left out if the store does not
// know it: it may be one of an earlier version.
func (j *core) readInstances(ctx context.Context) ([]lifecycle.Instance, error) {
	list, err := j.store.Instances(ctx)
	if err != nil {
		return nil, err
	}
	all, err := j.store.Work(ctx, maxHand)
	if err != nil {
		j.log.Debug("what processes do is not known", slog.Any("error", err))
		return list, nil
	}
	for _, w := range all {
		i := slices.IndexFunc(list, func(i lifecycle.Instance) bool { return i.ID == w.ID })
		switch {
		case i < 0:
		case w.Job == 0:
			_ = json.Unmarshal([]byte(w.Queues), &list[i].Queues) // empty of an earlier version
		default:
			list[i].Hand, list[i].Running = w.Hand, append(list[i].Running, lifecycle.InstanceJob{Queue: w.Queue, ID: w.Job, Since: w.Since})
		}
	}
	return list, nil
}

// Instances lists the processes that have started jobs on this store and were seen
// in the last minute, the oldest first: which there are, since when, which of them leads,
// what queues they work and what jobs they have in hand. One that is killed stays listed for
// up to a minute. It is at most a second old, older when the store does not answer.
func (j *core) Instances() []lifecycle.Instance {
	j.mu.Lock()
	client := j.client
	j.mu.Unlock()
	list := append([]lifecycle.Instance(nil), j.instances.look(j.readInstances)...)
	for i := range list {
		list[i].Own = client != nil && list[i].ID == client.ID()
	}
	return list
}
