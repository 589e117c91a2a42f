package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/scope"
)

// What the index has yet to do stands in the table and not in a queue: a crash
// between the two services forgets nothing. A page that is gone keeps its row,
// without a body, until the index has seen it.
const schema = `
	CREATE TABLE IF NOT EXISTS pages (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL,
		body TEXT, indexed INTEGER NOT NULL);
	CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(path, body);`

// openDB opens the database. A transaction takes the right to write when it
// begins: one that asks for it later is refused, rather than kept waiting, if the
// other service has it. That wait does not see a context, so it is well below the budget
// of the stop.
func openDB(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(2000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(context.Background(), schema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}

// syncer keeps the table pages like a folder of Markdown files.
type syncer struct {
	files fs.FS
	db    *sql.DB
	news  chan<- struct{}
}

// page is a file that is not as the table has it.
type page struct {
	path, stamp string
	body        sql.NullString // null: it is gone
}

// run syncs once, says that it is ready, and then looks every second.
func (s *syncer) run(ctx context.Context) error {
	if err := s.sync(ctx); err != nil {
		return err // who waits for the sync gets this error too
	}
	hosted.Ready(ctx)
	second, err := periodic.NewTicker(time.Second)
	if err != nil {
		return err
	}
	for range second.Ticks(ctx) {
		if err := s.sync(ctx); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (s *syncer) sync(ctx context.Context) error {
	changed, err := s.changed(ctx)
	if err != nil || len(changed) == 0 {
		return err
	}
	// All at once, so that nobody sees half of a folder.
	store := scope.Run(scope.Tx(s.db, nil), func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range changed {
			_, err := tx.ExecContext(ctx, `INSERT INTO pages (path, stamp, body, indexed) VALUES (?, ?, ?, 0)
				ON CONFLICT (path) DO UPDATE SET stamp = excluded.stamp, body = excluded.body, indexed = 0`, p.path, p.stamp, p.body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := store(ctx); err != nil {
		return err
	}
	select {
	case s.news <- struct{}{}:
	default: // the index has not looked yet since it was last told
	}
	return nil
}

// changed compares the folder with the table, by size and time of each file.
func (s *syncer) changed(ctx context.Context) (changed []page, err error) {
	known, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(s.files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			return nil // gone since it was listed
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular() || path.Ext(name) != ".md":
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return ignoreGone(err)
		}
		stamp := fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		if known[name] != stamp {
			text, err := fs.ReadFile(s.files, name)
			if err != nil {
				return ignoreGone(err)
			}
			changed = append(changed, page{name, stamp, sql.NullString{String: string(text), Valid: true}})
		}
		delete(known, name)
		return nil
	})
	for name := range known {
		changed = append(changed, page{path: name})
	}
	return changed, err
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// known is the stamp of every page in the table.
func (s *syncer) known(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT path, stamp FROM pages WHERE body IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	known := map[string]string{}
	for rows.Next() {
		var name, stamp string
		if err := rows.Scan(&name, &stamp); err != nil {
			return nil, err
		}
		known[name] = stamp
	}
	return known, rows.Err()
}
