package main

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/scope"
)

// index is a full-text index of the table pages.
type index struct {
	db   *sql.DB
	news <-chan struct{}
	log  *slog.Logger
}

// run waits for the first sync, because an index of half the pages finds half of
// what is there and does not say so. If that sync fails, the wait returns its
// error, and if it were to wait for the index in turn, that it would never end.
func (x *index) run(ctx context.Context) error {
	if err := hosted.Coordinator(ctx).Wait(ctx, "sync"); err != nil {
		return err
	}
	// Also what an earlier run has left: the news of that went with it.
	if err := x.catchUp(ctx); err != nil {
		return err
	}
	hosted.Ready(ctx)
	var again <-chan time.Time // nil if all is indexed
	for {
		select {
		case <-x.news:
		case <-again:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		again = nil
		if err := x.catchUp(ctx); err != nil && ctx.Err() == nil { // such as a file that is locked
			x.log.Warn("index is old, will retry", "error", err)
			again = time.After(time.Second)
		}
	}
}

// catchUp indexes everything that has changed, in one transaction: searches see
// the old index until all of the new one is there.
func (x *index) catchUp(ctx context.Context) error {
	return scope.Run(scope.Tx(x.db, nil), func(ctx context.Context, tx *sql.Tx) error {
		for _, step := range []string{
			`DELETE FROM words WHERE rowid IN (SELECT id FROM pages WHERE NOT indexed)`,
			`INSERT INTO words (rowid, path, body) SELECT id, path, body FROM pages WHERE NOT indexed AND body IS NOT NULL`,
			`DELETE FROM pages WHERE body IS NULL`,
			`UPDATE pages SET indexed = 1 WHERE NOT indexed`,
		} {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})(ctx)
}

type hit struct{ Path, Snippet string }

// search returns the ten best pages that have all the words.
func (x *index) search(ctx context.Context, words string) (hits []hit, err error) {
	rows, err := x.db.QueryContext(ctx, `SELECT path, snippet(words, 1, '[', ']', ' ... ', 24)
		FROM words WHERE words MATCH ? ORDER BY rank LIMIT 10`, quoted(words))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var h hit
		if err := rows.Scan(&h.Path, &h.Snippet); err != nil {
			return nil, err
		}
		hits = append(hits, h)
	}
	return hits, rows.Err()
}

// quoted makes strings of the words, as what people type is not FTS5's language
// of queries, in which C++ or don't are errors.
func quoted(words string) string {
	fields := strings.Fields(words)
	for i, word := range fields {
		fields[i] = `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
	}
	return strings.Join(fields, " ")
}
