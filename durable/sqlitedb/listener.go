package sqlitedb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// listener gives the engine its announcements. It is the engine's own, but that it
// looks into its table only when the file has changed, and seldom at the file if the
// system tells when it is written to.
type listener struct {
	glimpse *glimpse
	schema  string

	mu        sync.Mutex
	connected bool
	watch     *watch
	topics    map[string]int64 // with the last announcement before each
	last      int64            // announcement that was read
	at        mark             // of a file without another one
	pending   []announcement
}

type announcement struct {
	id int64
	riverdriver.Notification
}

const (
	listenEvery = 50 * time.Millisecond // as the engine does
	listenBatch = 256

	// visible is what a commit takes from the log until it is to be seen, mostly.
	visible = 5 * time.Millisecond

	// listenMost is how seldom a file is looked at that is watched: for what the system
	// does not tell.
	listenMost = time.Second
)

func (l *listener) Connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected {
		return errors.New("stead/durable/sqlitedb: the listener is connected already")
	}
	last, err := l.latest(ctx)
	if err != nil {
		return err
	}
	l.connected, l.topics, l.pending, l.at, l.last = true, map[string]int64{}, nil, mark{}, last
	l.watch = newWatch(l.glimpse.log)
	return nil
}

func (l *listener) latest(ctx context.Context) (id int64, err error) {
	err = l.glimpse.db.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM river_notification").Scan(&id)
	return id, err
}

func (l *listener) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = false
	l.watch.close()
	l.watch = nil
	return nil
}

// Listen begins with announcements that come after it.
func (l *listener) Listen(ctx context.Context, topic string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.connected {
		return errNotConnected
	}
	if _, ok := l.topics[topic]; ok {
		return nil
	}
	last, err := l.latest(ctx)
	if err != nil {
		return err
	}
	// The engine may have deleted what is pending here.
	l.topics[topic], l.at = max(l.last, last), mark{}
	return nil
}

func (l *listener) Unlisten(_ context.Context, topic string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.connected {
		return errNotConnected
	}
	delete(l.topics, topic)
	return nil
}

var errNotConnected = errors.New("stead/durable/sqlitedb: the listener is not connected")

func (l *listener) Ping(ctx context.Context) error { return l.glimpse.db.PingContext(ctx) }
func (l *listener) Schema() string                 { return l.schema }
func (l *listener) SetAfterConnectExec(string)     {} // is for the engine's own tests

// WaitForNotification blocks until there is one, or ctx is done.
func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	l.mu.Lock()
	w := l.watch
	l.mu.Unlock()
	for quiet := listenEvery; ; {
		watched := w.begin() // before the look: what is written after it ends the wait
		n, err := l.look(ctx)
		if n != nil || err != nil {
			if ended := ctx.Err(); err != nil && ended != nil {
				err = ended
			}
			return n, err
		}
		looked := time.Now()
		switch {
		case watched && !w.wait(ctx, quiet):
			quiet = min(2*quiet, listenMost) // a commit may be slow to be seen
		case watched:
			pause(ctx, max(visible, listenEvery-time.Since(looked)))
			quiet = listenEvery
		default:
			pause(ctx, listenEvery)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (l *listener) look(ctx context.Context) (*riverdriver.Notification, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.connected {
		return nil, errNotConnected
	}
	if len(l.pending) == 0 {
		at, sure, err := l.glimpse.now(ctx)
		if err != nil || sure && at == l.at {
			return nil, err
		}
		if err := l.read(ctx); err != nil {
			return nil, err
		}
		if l.at = (mark{}); sure && len(l.pending) == 0 {
			l.at = at
		}
	}
	for len(l.pending) > 0 {
		n := l.pending[0]
		l.pending = l.pending[1:]
		if after, ok := l.topics[n.Topic]; ok && n.id > after {
			return &n.Notification, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing has happened
}

func (l *listener) read(ctx context.Context) (err error) {
	topics, err := json.Marshal(slices.Collect(maps.Keys(l.topics)))
	if err != nil || len(l.topics) == 0 {
		return err
	}
	rows, err := l.glimpse.db.QueryContext(ctx, `SELECT id, topic, payload FROM river_notification
		WHERE id > ? AND topic IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`, l.last, string(topics), listenBatch)
	if err != nil {
		return fmt.Errorf("stead/durable/sqlitedb: read announcements: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []announcement
	for rows.Next() {
		var n announcement
		if err := rows.Scan(&n.id, &n.Topic, &n.Payload); err != nil {
			return fmt.Errorf("stead/durable/sqlitedb: read announcements: %w", err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return err
	}
	l.pending, l.last = list, list[len(list)-1].id
	return nil
}
