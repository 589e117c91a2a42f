// Package spool keeps what a stop leaves over in a file, and puts it back into the
// queue at the next start.
//
//	s := spool.New[Email]("/var/lib/shop/emails.jsonl")
//	w, err := channelq.NewWorkers(q, send, channelq.WorkerConfig[Email]{OnLeftover: s.Save})
//	...
//	host.Add("emails", w)
//	host.Task("spooled emails", func(ctx context.Context) error { _, err := s.Load(ctx, q); return err })
//
// The file has one item a line, as JSON.
//
// # Guarantees
//
//  1. A crash leaves the old file or the new one: a new one is written, synced and
//     renamed.
//  2. An item of the file is enqueued at least once, however many more there are than
//     the queue holds and whatever the queue does when it is full.
//  3. A line that is no item is kept in a file of its own, and named.
//
// # Not for
//
// A crash: only what a stop leaves over is in the file. Use package durable for items
// that must survive one.
package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

// Spool is one file. Make it with [New]. All methods are safe for concurrent use. Two
// spools, of one process or of two, must not share a file: what one saves while the other
// loads would be lost.
type Spool[T any] struct {
	path string
	mu   sync.Mutex
}

// New returns a spool with a file, which need not exist. Its folder must.
func New[T any](path string) *Spool[T] { return &Spool[T]{path: path} }

// Save adds items to the file. It is an OnLeftover. Items that cannot be written as JSON
// are left out, and the error names them by their positions: the others are in the file.
// If Save returns another error, the file is as it was. Save does not look at ctx: a disk
// does not wait for one.
func (s *Spool[T]) Save(_ context.Context, items []T) error {
	if s.path == "" {
		return errors.New("stead/spool: save: the path is empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stead/spool: save: %w", err)
	}
	text := bytes.NewBuffer(old)
	if len(old) > 0 && old[len(old)-1] != '\n' {
		text.WriteByte('\n')
	}
	lines := json.NewEncoder(text)
	var wrong []error
	for i := range items {
		if err := guard.Call(func() error { return lines.Encode(items[i]) }); err != nil {
			wrong = append(wrong, fmt.Errorf("item %d: %w", i, err))
		}
	}
	if len(wrong) < len(items) {
		if err := s.replace(text.Bytes()); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("stead/spool: save: %d of %d items cannot be written: %w", len(wrong), len(items), some(wrong))
	}
	return nil
}

// mostSaid is how many bad items or lines an error names: after a change of their type
// it is all of them.
const mostSaid = 10

// some joins the first of the errors.
func some(errs []error) error { return errors.Join(errs[:min(len(errs), mostSaid)]...) }

// replace writes the whole file.
func (s *Spool[T]) replace(text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return fmt.Errorf("stead/spool: %w", err)
	}
	_, err = next.Write(text)
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(next.Name())
		return fmt.Errorf("stead/spool: %w", err)
	}
	// The file is the new one by now. Windows cannot sync a folder, and needs not, and a
	// folder that may be written may not be one that may be read.
	if folder, err := os.Open(filepath.Dir(s.path)); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

// BadLinesError says that lines of the file could not be read. They are kept in Kept,
// and all other items are in the queue.
type BadLinesError struct {
	Kept  string // the file they were added to
	Lines []int  // their numbers in the file that was read, from 1
	Err   error  // what is wrong with the first ten of them
}

// Error names the file and the first ten lines.
func (e *BadLinesError) Error() string {
	lines, more := e.Lines, ""
	if n := len(lines) - mostSaid; n > 0 {
		lines, more = lines[:mostSaid], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("stead/spool: bad lines %v%s are kept in %s: %v", lines, more, e.Kept, e.Err)
}

// Unwrap returns Err.
func (e *BadLinesError) Unwrap() error { return e.Err }

// Load enqueues the items of the file, in order, and returns how many. It waits for
// room whatever the queue does when it is full, so the consumer of the queue must have
// been started: more items than the capacity are no trouble. Call it before producers
// start. What was enqueued is taken
// out of the file at the end, even when Load fails: an item whose process crashes in
// between is handled twice rather than never. If ctx is done first, the rest stays in
// the file. Lines that are no items are added to the file with ".bad" at the end of its
// name, and Load returns a *[BadLinesError].
func (s *Spool[T]) Load(ctx context.Context, q channelq.Enqueuer[T]) (n int, err error) {
	if s.path == "" {
		return 0, errors.New("stead/spool: load: the path is empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("stead/spool: load: %w", err)
	}
	bad := &BadLinesError{Kept: s.path + ".bad"}
	var rest, kept []byte
	var wrong []error
	number := 0
	for line := range bytes.Lines(text) {
		number++
		var item T
		switch bare := bytes.TrimSpace(line); {
		case len(bare) == 0:
			continue
		case err != nil: // behind one that was refused
			rest = append(rest, line...)
			continue
		default:
			if failed := guard.Call(func() error { return json.Unmarshal(bare, &item) }); failed != nil {
				kept = append(append(kept, bare...), '\n')
				bad.Lines, wrong = append(bad.Lines, number), append(wrong, failed)
				continue
			}
		}
		if err = guard.Call(func() error { return enqueue(ctx, q, item) }); err != nil {
			rest = append(rest, line...)
			err = fmt.Errorf("stead/spool: load: %w", err)
			continue
		}
		n++
	}
	if bad.Err = some(wrong); len(kept) > 0 {
		if failed := appendTo(bad.Kept, kept); failed != nil {
			return n, errors.Join(err, failed) // with the file as it was
		}
		err = errors.Join(err, bad)
	}
	if len(rest) > 0 {
		return n, errors.Join(err, s.replace(rest))
	}
	if failed := os.Remove(s.path); failed != nil {
		err = errors.Join(err, fmt.Errorf("stead/spool: load: %w", failed))
	}
	return n, err
}

// enqueue waits for room in a queue that rejects or drops too: what a stop left over is
// often more than the queue holds, and a request may get an error that these must not.
func enqueue[T any](ctx context.Context, q channelq.Enqueuer[T], item T) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := channelq.ErrFull
		if !drops(q) {
			err = q.Enqueue(ctx, item)
		}
		if !errors.Is(err, channelq.ErrFull) && !errors.Is(err, channelq.ErrDropped) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// drops reports whether the next enqueue would make q drop an item that it holds.
func drops(q any) bool {
	queue, ok := q.(interface{ Stats() channelq.Stats })
	if !ok {
		return false
	}
	now := queue.Stats()
	return (now.Mode == channelq.DropNewest || now.Mode == channelq.DropOldest) && now.Capacity > 0 && now.Depth >= now.Capacity
}

func appendTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the program chose the path
	if err != nil {
		return fmt.Errorf("stead/spool: keep bad lines: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("stead/spool: keep bad lines: %w", err)
	}
	return nil
}
