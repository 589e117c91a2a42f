package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted/hostedtest"
)

func open(t *testing.T, f folder) (*notes, *bytes.Buffer) {
	t.Helper()
	said := &bytes.Buffer{}
	n, err := openNotes(f.path(".notes.db"), f.dir, said)
	f.must(err)
	t.Cleanup(func() { _ = n.db.Close() })
	return n, said
}

// table is what one query of two columns returns.
func table(t *testing.T, n *notes, query string) map[string]string {
	t.Helper()
	rows, err := n.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		all[key] = value
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

const (
	allNotes = `SELECT path, body FROM notes`
	allTags  = `SELECT path, group_concat(tag, ' ') FROM (SELECT path, tag FROM tags ORDER BY path, tag) GROUP BY path`
)

func wantTable(t *testing.T, f folder, want map[string]string) {
	t.Helper()
	n, _ := open(t, f)
	if got := table(t, n, allNotes); !maps.Equal(got, want) {
		t.Errorf("stored: %q, want %q", got, want)
	}
}

func TestAFileThatChangedManyTimesInABatchIsStoredOnce(t *testing.T) {
	f := newFolder(t)
	n, said := open(t, f)
	f.write("a.md", "a #x, #y and #x again, but not#z")
	f.write("b.md", "b")
	batch := []string{"a.md", "b.md", "a.md", "gone.md", "a.md"}
	f.must(n.syncAll(t.Context(), batch))
	if got := strings.Count(said.String(), "\n"); got != 2 {
		t.Errorf("it says %q", said)
	}
	if got := table(t, n, allTags)["a.md"]; got != "x y" {
		t.Errorf("tags %q", got)
	}
	said.Reset()
	f.must(n.syncAll(t.Context(), batch))
	if said.Len() > 0 {
		t.Errorf("nothing had changed, and it says %q", said)
	}
}

func TestANoteAndItsTagsChangeTogetherOrNotAtAll(t *testing.T) {
	f := newFolder(t)
	n, said := open(t, f)
	f.write("a.md", "before #old")
	f.write("b.md", "before")
	f.must(n.syncAll(t.Context(), []string{"a.md", "b.md"}))
	said.Reset()

	_, err := n.db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON tags WHEN NEW.tag = 'bad'
		BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	f.must(err)
	f.write("a.md", "after #new #bad")
	f.write("b.md", "after")
	err = n.syncAll(t.Context(), []string{"a.md", "b.md", "a.md"})
	var partly *channelq.BatchError
	if !errors.As(err, &partly) || len(partly.Failed) != 1 || partly.Failed[2] == nil {
		t.Fatalf("error %v, want one that fails the last place of a.md", err)
	}
	if got := table(t, n, allNotes); got["a.md"] != "before #old" || got["b.md"] != "after" {
		t.Errorf("notes %q", got)
	}
	if got := table(t, n, allTags)["a.md"]; got != "old" {
		t.Errorf("tags %q", got)
	}
	if strings.Contains(said.String(), "a.md") {
		t.Errorf("it says %q of what was rolled back", said)
	}
}

func TestAnInterruptedSyncStoresNothing(t *testing.T) {
	f := newFolder(t)
	n, said := open(t, f)
	f.write("a.md", "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.syncAll(ctx, []string{"a.md"}); err == nil {
		t.Error("no error")
	}
	if got := table(t, n, allNotes); len(got) > 0 || said.Len() > 0 {
		t.Errorf("stored %q, said %q", got, said)
	}
}

func TestAStopStoresWhatWasReportedBeforeIt(t *testing.T) {
	f, outside := newFolder(t), newFolder(t)
	n, _ := open(t, f)
	host := newHost(n, slog.New(slog.DiscardHandler))
	hostedtest.Start(t, host)

	// While somebody else writes to the database nothing is stored, and what is
	// reported stays queued.
	lock, _ := open(t, f)
	busy, err := lock.db.Conn(t.Context())
	f.must(err)
	_, err = busy.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	f.must(err)
	const files = 50
	want := map[string]string{}
	for i := range files {
		name := fmt.Sprintf("note-%d.md", i)
		outside.write(name, name)
		f.must(os.Rename(outside.path(name), f.path(name))) // one event, not two
		want[name] = name
	}
	queued := func() int {
		return host.Services()[0].Service.(*channelq.Batcher[string]).Backlog()
	}
	for end := time.Now().Add(time.Minute); queued() < files; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d are queued, want %d", queued(), files)
		}
	}

	stopped := make(chan error)
	go func() { stopped <- host.Stop(context.Background()) }()
	<-host.Lifetime().Stopping()
	_, err = busy.ExecContext(t.Context(), `COMMIT`)
	f.must(err)
	f.must(busy.Close())
	f.must(<-stopped)
	wantTable(t, f, want)
}
