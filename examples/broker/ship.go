package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite" // the driver, in Go

	"github.com/steadgo/stead/channelq"
)

func openDB(dir string) (*sql.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "shipped.db")
	// The wait for a lock does not see a context: keep it well below the budget.
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(2000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(context.Background(),
		`CREATE TABLE IF NOT EXISTS shipped (id TEXT PRIMARY KEY, what TEXT NOT NULL)`); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}

// receive moves messages from the broker into the queue until ctx is done. It leaves
// the lanes open, because the messages it took are acknowledged over them. A message
// that arrives on a lane after that is redelivered after the time to acknowledge.
func receive(ctx context.Context, lanes []<-chan *message.Message, to channelq.Enqueuer[*message.Message]) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, lane := range lanes {
		group.Go(func() error {
			for {
				select {
				case m, ok := <-lane:
					if !ok {
						return errors.New("the subscription has ended")
					}
					if err := to.Enqueue(ctx, m); err != nil {
						m.Nack()
						return err
					}
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		})
	}
	return group.Wait()
}

// shipping handles orders.
type shipping struct {
	db      *sql.DB
	packing time.Duration
	publish func(topic string, m *message.Message) error
}

// handle ships an order and acknowledges it.
func (s *shipping) handle(ctx context.Context, m *message.Message) error {
	if len(m.Payload) == 0 {
		return channelq.Permanent(errors.New("the order does not say what"))
	}
	if m.UUID == "" { // all of these would pass for one order that came again
		return channelq.Permanent(errors.New("the message has no id"))
	}
	if err := s.ship(ctx, m); err != nil {
		return err // retried here; the broker waits
	}
	m.Ack()
	settled(ctx, m)
	return nil
}

// ship takes its time, and then writes the order down once, however often it is
// delivered: that it was shipped the broker cannot know if the process died right
// after. The id of the message makes the second time a harmless one.
func (s *shipping) ship(ctx context.Context, m *message.Message) error {
	fmt.Printf("packing %s\n", m.UUID)
	select {
	case <-time.After(s.packing):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	result, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO shipped (id, what) VALUES (?, ?)`, m.UUID, string(m.Payload))
	if err != nil {
		return err
	}
	if added, err := result.RowsAffected(); err != nil || added == 0 {
		return err
	}
	fmt.Printf("shipped %s %q\n", m.UUID, m.Payload)
	return nil
}

// settled returns when the broker knows. Ack and Nack only ask for that, and a
// connection that closes right after would take it along. Watermill ends the
// message's context when it is done with the message.
func settled(ctx context.Context, m *message.Message) {
	select {
	case <-m.Context().Done():
	case <-ctx.Done():
	}
}

// giveUp publishes a message that cannot be handled as a dead one. The broker would
// redeliver it forever.
func (s *shipping) giveUp(ctx context.Context, m *message.Message, cause error) {
	copied := message.NewMessage(m.UUID, m.Payload)
	copied.Metadata.Set("reason", cause.Error())
	if err := s.publish(dead, copied); err != nil {
		m.Nack()
		return
	}
	fmt.Printf("put aside %s: %v\n", m.UUID, cause)
	m.Ack()
	settled(ctx, m)
}

// giveBack lets the broker have what a stop did not get done. That takes care of
// it: the stop is a clean one.
func giveBack(ctx context.Context, left []*message.Message) error {
	for _, m := range left {
		m.Nack()
		settled(ctx, m)
	}
	return nil
}

func (s *shipping) list(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.QueryContext(r.Context(), `SELECT id, what FROM shipped ORDER BY rowid`)
	if err != nil {
		http.Error(w, "The orders could not be read.", http.StatusInternalServerError)
		return
	}
	defer func() { _ = rows.Close() }()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for rows.Next() {
		var id, what string
		if rows.Scan(&id, &what) == nil {
			fmt.Fprintf(w, "%s %s\n", id, what)
		}
	}
	if rows.Err() != nil {
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}
