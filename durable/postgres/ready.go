package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// kept is how many connections the engine keeps in a process that works: to listen, to
// lead, and to fetch and complete.
const kept = 3

// listenWait is how long an announcement may take to arrive before the connection
// counts as one that nothing arrives on.
const listenWait = 3 * time.Second

var errPooler = errors.New("what is announced does not arrive: is there a pooler in transaction mode, such as PgBouncer, before the server? " +
	"Give the jobs a pool in session mode, or connect them to the server itself")

// Ready checks the pool at the start of the jobs. It returns an error if they would work
// only by half: behind a pooler that gives each transaction another session. A process
// that only enqueues needs no session if its statements are not prepared, which
// default_query_exec_mode=exec in the URL makes so.
func (s *backend) Ready(ctx context.Context, works bool) error {
	switch s.pool.Config().ConnConfig.DefaultQueryExecMode {
	case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol:
		if !works {
			return nil
		}
	default:
	}
	if !s.driver.SupportsListenNotify() {
		return nil
	}
	err := s.listen(ctx)
	if errors.Is(err, errPooler) && !works {
		return fmt.Errorf("%w; a process that only enqueues may stay behind it with default_query_exec_mode=exec in its URL", err)
	}
	return err
}

// listen finds out whether an announcement on one connection arrives on another. It
// has to be another one: a pooler passes on what comes with an answer.
func (s *backend) listen(ctx context.Context) error {
	listener, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := listener.Hijack() // not to be used again: who knows what it listens to
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// In the text: the simple protocol has no arguments where the encoding is not UTF-8.
	topic := pgx.Identifier{"stead_ready_" + rand.Text()}.Sanitize()
	if _, err := conn.Exec(ctx, "LISTEN "+topic, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, "NOTIFY "+topic, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, listenWait)
	defer cancel()
	if _, err = conn.WaitForNotification(bounded); err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return errPooler
	}
	return err
}

// Spare returns how many connections of the pool are left for handlers beside the
// engine's own.
func (s *backend) Spare() int { return int(s.pool.Config().MaxConns) - kept }
