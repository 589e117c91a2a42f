package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Option is a wish about one job. See [At], [In], [Unique], [Priority], [Attempts],
// [Timeout], [Meta], [After], [AfterAny] and [AfterGaveUp].
type Option interface{ apply(*jobOptions) error }

type jobOptions struct {
	at       time.Time
	timed    bool // At or In was given
	in       bool // In was given: at is by the clock of the process
	unique   string
	priority int
	attempts int
	after    map[int64]string // what has to become of other jobs first, see After
	note     note
}

type option func(*jobOptions) error

func (o option) apply(w *jobOptions) error { return o(w) }

// At keeps a job from starting before t. The store's clock decides. A second At or
// [In] for one job is an error, and so is a year that is not from 1 to 9998.
func At(t time.Time) Option {
	return option(func(w *jobOptions) error { return w.start(t) })
}

// In keeps a job from starting before d has passed. If d is zero or negative, the job may
// start at once. A second In or [At] for one job is an error.
func In(d time.Duration) Option {
	return option(func(w *jobOptions) error {
		w.in = true
		return w.start(time.Now().Add(d))
	})
}

func (w *jobOptions) start(t time.Time) error {
	if w.timed {
		return errors.New("In or At: there is one for this job already")
	}
	at := notBefore(t)
	if err := checkDue(at); err != nil {
		return fmt.Errorf("In or At: %w", err)
	}
	if !t.After(time.Now()) {
		at = time.Time{} // now, by the store's clock
	}
	w.at, w.timed = at, true
	return nil
}

// notBefore returns the first millisecond from t on. SQLite keeps times to the
// millisecond, and River rounds them: down, too.
func notBefore(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// Unique makes the enqueue do nothing while there is a job of this queue with the
// same key that is not yet completed, canceled or discarded. The key is any string but
// the empty one, which is an error. Only a hash of the key is stored.
func Unique(key string) Option {
	return option(func(w *jobOptions) error {
		if w.unique = key; key == "" {
			return errors.New("Unique: the key is empty")
		}
		return nil
	})
}

// Priority sets the priority of a job, from 1, the most urgent and the default, to 4. A
// job of a more urgent priority overtakes all others that were not taken yet.
func Priority(p int) Option {
	return option(func(w *jobOptions) error {
		if w.priority = p; p < 1 || p > 4 {
			return fmt.Errorf("Priority is not from 1 to 4: %d", p)
		}
		return nil
	})
}

// Attempts sets how often a job is tried, instead of Retry.Attempts of its queue: 1 to
// 10,000.
func Attempts(n int) Option {
	return option(func(w *jobOptions) error {
		if w.attempts = n; n < 1 || n > maxTries {
			return fmt.Errorf("Attempts is not from 1 to %d: %d", maxTries, n)
		}
		return nil
	})
}

// Timeout bounds each attempt of a job. If QueueConfig.Timeout of the process that
// handles the job is less, that holds: by it lost jobs are found.
func Timeout(d time.Duration) Option {
	return option(func(w *jobOptions) error {
		if w.note.Timeout = d; d <= 0 {
			return fmt.Errorf("Timeout is not positive: %v", d)
		}
		return nil
	})
}

// maxMeta is how many bytes of JSON the Meta of a job may be: each fetch reads them.
const maxMeta = 16 << 10

// Meta stores facts about a job beside its item, such as who asked for it. The handler
// reads them with [MetaOf]. Meta of a later option replaces that of an earlier one, key
// by key. It is an error if the facts are more than 16 KiB of JSON or are not UTF-8.
func Meta(facts map[string]string) Option {
	return option(func(w *jobOptions) error {
		all := maps.Clone(w.note.Meta)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, facts)
		raw, err := json.Marshal(all)
		switch {
		case err != nil:
			return fmt.Errorf("Meta: %w", err)
		case len(raw) > maxMeta:
			return fmt.Errorf("Meta is %d bytes of JSON, more than %d", len(raw), maxMeta)
		}
		for k, v := range all {
			if storableText(k) != k || storableText(v) != v {
				return fmt.Errorf("Meta: the fact %q is not UTF-8 or has a NUL character", cut(k, maxName))
			}
		}
		w.note.Meta = all
		return nil
	})
}

type metaKey struct{}

// MetaOf returns the facts that [Meta] stored with the job of the handler that ctx
// belongs to. It is nil if there are none. Do not change the map.
func MetaOf(ctx context.Context) map[string]string {
	facts, _ := ctx.Value(metaKey{}).(map[string]string)
	return facts
}
