package durable_test

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

type (
	closedMail struct{ to string }
	halfMail   struct {
		To    string
		token string
	}
	ownMail struct{ to string }
)

func (m ownMail) MarshalText() ([]byte, error) { return []byte(m.to), nil }

func TestAPayloadOfWhichNothingWouldBeStoredIsRefused(t *testing.T) {
	var log bytes.Buffer
	jobs, err := durable.New(openSQLite(t).store, durable.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, errClosed := durable.NewQueue(jobs, "closed", nothing[closedMail], durable.QueueConfig[closedMail]{})
	_, errPointer := durable.NewQueue(jobs, "pointer", nothing[*closedMail], durable.QueueConfig[*closedMail]{})
	for i, err := range []error{errClosed, errPointer} {
		if err == nil || !strings.Contains(err.Error(), "stored") {
			t.Errorf("%d: %v", i, err)
		}
	}
	_, errHalf := durable.NewQueue(jobs, "half", nothing[halfMail], durable.QueueConfig[halfMail]{})
	_, errOwn := durable.NewQueue(jobs, "own", nothing[ownMail], durable.QueueConfig[ownMail]{})
	_, errNothing := durable.NewQueue(jobs, "nothing", nothing[struct{}], durable.QueueConfig[struct{}]{})
	_, errTime := durable.NewQueue(jobs, "time", nothing[time.Time], durable.QueueConfig[time.Time]{})
	if err := errors.Join(errHalf, errOwn, errNothing, errTime); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "queue=half fields=[token]") || strings.Count(text, "not stored") != 1 {
		t.Errorf("logged %s", text)
	}
	_, _ = closedMail{to: ""}, halfMail{token: ""} // fields that only reflection reads
}

func TestProcessesThatMigrateAtTheSameTimeAllSucceed(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "jobs.db")
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				store, err := sqlite.Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				defer store.Close()
				if err := durable.Migrate(t.Context(), store); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
