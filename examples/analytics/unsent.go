package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
)

// file is where events go that do not reach the sink, one a line: in the form that
// the endpoint takes.
type file struct {
	name string
	mu   sync.Mutex
}

// keep is OnLeftover. When it returns nil the events count as taken care of, and
// the stop as a clean one.
func (f *file) keep(_ context.Context, events []event) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := appendTo(f.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := out.Write(append(bytes.Join(asBytes(events), []byte("\n")), '\n')); err != nil {
		return err
	}
	return out.Sync()
}

func appendTo(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the user's own
}

// giveUp is OnGiveUp: it keeps an event that the sink refused permanently.
func (f *file) giveUp(ctx context.Context, e event, _ error) {
	if err := f.keep(ctx, []event{e}); err != nil {
		panic(err) // is counted and logged; the event stays on the dashboard's list
	}
}

func asBytes(events []event) [][]byte {
	all := make([][]byte, len(events))
	for i, e := range events {
		all[i] = e
	}
	return all
}
