package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/steadgo/stead/periodic"
)

const (
	batch       = 10
	maxAttempts = 5
	firstDelay  = time.Second // before the second attempt; it doubles
)

// poller does what is due, one task after the other: start more processes to do
// more at a time.
type poller struct {
	tasks   *table
	deliver func(context.Context, task) error
	lease   time.Duration
	log     *slog.Logger
}

// poll does a batch. A full one means that there may be more, for which nobody has
// to wait until the next look at the table.
func (p *poller) poll(ctx context.Context) error {
	claimed, err := p.tasks.claim(ctx, batch)
	if err != nil {
		return err
	}
	for i, t := range claimed {
		if ctx.Err() != nil { // stopping, or half of the lease has passed
			p.giveBack(ctx, claimed[i:])
			return context.Cause(ctx)
		}
		p.do(ctx, t)
	}
	if len(claimed) == batch {
		return periodic.ErrAgain
	}
	return nil
}

// do does one task and notes what became of it. If the note fails, or this process
// dies before it, the task is done again when the lease has expired. So the receiver
// has to recognize a task that it has seen, by the key.
func (p *poller) do(ctx context.Context, t task) {
	attempt, cancel := context.WithTimeout(ctx, p.lease/4)
	defer cancel()
	err := p.deliver(attempt, t)

	ctx, cancel = noted(ctx)
	defer cancel()
	switch {
	case err == nil:
		err = p.tasks.finish(ctx, t, "")
	case t.Attempts >= maxAttempts:
		p.log.Error("task given up", "key", t.Key, "attempt", t.Attempts, "error", err)
		err = p.tasks.finish(ctx, t, "given up: "+err.Error())
	default:
		delay := firstDelay << (t.Attempts - 1)
		p.log.Warn("task failed, to be retried", "key", t.Key, "attempt", t.Attempts, "delay", delay, "error", err)
		err = p.tasks.retry(ctx, t, time.Now().Add(delay), err.Error())
	}
	if err != nil {
		p.log.Error("task not noted, it may be done again", "key", t.Key, "error", err)
	}
}

// giveBack lets others have at once what this process will not get to.
func (p *poller) giveBack(ctx context.Context, rest []task) {
	ctx, cancel := noted(ctx)
	defer cancel()
	for _, t := range rest {
		if err := p.tasks.giveBack(ctx, t); err != nil {
			p.log.Warn("task not released, others wait for the lease", "key", t.Key, "error", err)
		}
	}
}

// noted is a context for writing down what is already a fact, which a stop does not
// change.
func noted(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// deliverTo posts a task to a URL, or prints it.
func deliverTo(url string) func(context.Context, task) error {
	if url == "" {
		return func(_ context.Context, t task) error {
			_, err := fmt.Printf("due: %s (%s)\n", t.Text, t.Key)
			return err
		}
	}
	return func(ctx context.Context, t task) error {
		text, err := json.Marshal(map[string]string{"key": t.Key, "text": t.Text})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", t.Key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode < 300 {
			return err
		}
		return fmt.Errorf("the receiver answers %s", answer.Status)
	}
}
