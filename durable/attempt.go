package durable

import (
	"context"

	"github.com/steadgo/stead/durable/internal/trial"
)

// Attempt tells a handler, or OnGiveUp, which job it has and which attempt at it
// this is, 1 for the first; ok is false for any other context. A handler may run
// twice for one job: after a crash, a timeout, an error, or when its success could
// not be written down. The id is the same in every attempt and of one job only, as
// long as the store lives: what a service that it calls is to do only once gets a
// key made of it, the queue's name and the program's. With durabletest.Run it is the
// first attempt at job 1.
func Attempt(ctx context.Context) (id int64, attempt int, ok bool) {
	i, ok := trial.IdentityOf(ctx)
	return i.ID, i.Number, ok
}
