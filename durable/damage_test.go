package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

// The connection has what it needs of a small file in its memory, so that nothing else
// would notice.
func TestADamagedFileIsNoticedAtTheNextSignOfLifeAndIsAnErrorOfEnqueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(path)
	must(t, err)
	defer func() { _ = s.Close() }() // it may not be able to
	must(t, durable.Migrate(t.Context(), s))
	jobs := newJobs(t, s, durable.EnqueueOnly)
	durable.SetBeat(jobs, 20*time.Millisecond)
	q := newQueue[int](t, jobs, "mails", nil, durable.QueueConfig[int]{})
	start(t, jobs)
	enqueue(t, q, 1)
	_, err = s.DB().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(make([]byte, info.Size()))
	must(t, errors.Join(err, f.Close()))
	until(t, "the damage is noticed", func() bool { _, err := jobs.Outage(); return errors.Is(err, durable.ErrDamaged) })
	if err := q.Enqueue(t.Context(), 2); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("enqueue: %v", err)
	}
	if err := jobs.CheckStore(t.Context()); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("check: %v", err)
	}
}
