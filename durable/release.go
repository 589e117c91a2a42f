package durable

import (
	"context"

	"github.com/steadgo/stead/internal/guard"
)

// release ends the transaction of CompleteTx if the handler left it open: it holds the
// row of the job, for which the engine waits with what other jobs came to, and on
// SQLite the only connection. For one that has ended it does nothing.
func (c *current) release() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.engine), completeWait)
	defer cancel()
	// A panic of a wrapper of the program's own, for instance, changes nothing.
	_ = guard.Call(func() error {
		switch tx := c.tx.(type) {
		case interface{ Rollback() error }:
			return tx.Rollback()
		case interface{ Rollback(context.Context) error }:
			return tx.Rollback(ctx)
		}
		return nil
	})
}
