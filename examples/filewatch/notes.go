package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"

	_ "modernc.org/sqlite" // the driver, in Go: no C compiler needed

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/scope"
)

const schema = `
	CREATE TABLE IF NOT EXISTS notes (path TEXT PRIMARY KEY, body TEXT NOT NULL);
	CREATE TABLE IF NOT EXISTS tags (path TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (path, tag));`

// notes is the folder as a table.
type notes struct {
	db  *sql.DB
	dir string
	out io.Writer // gets a line for each note that is stored or removed
}

func openNotes(file, dir string, out io.Writer) (*notes, error) {
	// The wait for a lock does not see a context. What does not get it is retried.
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(1000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(context.Background(), schema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &notes{db, dir, out}, nil
}

// syncAll brings the table up to date with files that may have changed. The same
// file may be in the batch many times, and is read once.
func (n *notes) syncAll(ctx context.Context, paths []string) error {
	last := map[string]int{}
	for i, path := range paths {
		last[path] = i
	}
	failed := map[int]error{}
	for path, i := range last {
		if err := n.sync(ctx, path); err != nil {
			failed[i] = fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(failed) > 0 {
		return &channelq.BatchError{Failed: failed} // only these are retried
	}
	return nil
}

// sync is one file, in one transaction. It says what it did once that is
// committed, and not before.
func (n *notes) sync(ctx context.Context, path string) error {
	did := ""
	work := scope.Run(scope.Tx(n.db, nil), func(ctx context.Context, tx *sql.Tx) (err error) {
		did, err = n.store(ctx, tx, path)
		return err // nil commits, everything else rolls back
	})
	if err := work(ctx); err != nil {
		return err
	}
	if did != "" {
		fmt.Fprintln(n.out, did, path)
	}
	return nil
}

var tag = regexp.MustCompile(`(?:^|\s)#(\pL[\pL\pN-]*)`)

// store makes the table say what the file says, whatever has happened to it, and
// so may be called as often as one likes. Between its statements the tags are not
// those of the text: that is what the transaction is for.
func (n *notes) store(ctx context.Context, tx *sql.Tx, path string) (did string, err error) {
	body, there, err := n.read(path)
	if err != nil {
		return "", err
	}
	did, query, args := "removed", `DELETE FROM notes WHERE path = ?`, []any{path}
	if there {
		did, query, args = "stored ", `INSERT INTO notes (path, body) VALUES (?, ?)
			ON CONFLICT (path) DO UPDATE SET body = excluded.body WHERE body <> excluded.body`, []any{path, body}
	}
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM tags WHERE path = ?`, path); err != nil {
		return "", err
	}
	for _, found := range tag.FindAllStringSubmatch(body, -1) {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO tags (path, tag) VALUES (?, ?)`, path, found[1]); err != nil {
			return "", err
		}
	}
	return did, nil
}

// read reads a file. What is not a file is no note: a folder called x.md, or a
// pipe that one could wait for without end.
func (n *notes) read(path string) (body string, there bool, err error) {
	files := os.DirFS(n.dir)
	info, err := fs.Stat(files, path)
	if err == nil && !info.Mode().IsRegular() || errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	text, err := fs.ReadFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(text), err == nil, err
}

// paths are the files that are stored.
func (n *notes) paths(ctx context.Context) (paths []string, err error) {
	rows, err := n.db.QueryContext(ctx, `SELECT path FROM notes`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, rows.Err()
}
