package sqlitedb

import (
	"context"
	"time"

	"github.com/steadgo/stead/durable/internal/census"
)

// CountQueries are the statements of Counts, and that of Due, with arguments.
var CountQueries = map[string][]any{firstDue: {`["mails"]`}, countOpen: nil, countCompleted: {census.Exact + 1}, countSample: {"[1, 2]"}}

// Watch is what tells when a file is written to, nil where the system does not.
type Watch = watch

var NewWatch = newWatch

func (w *watch) Begin() bool                                    { return w.begin() }
func (w *watch) Wait(ctx context.Context, d time.Duration) bool { return w.wait(ctx, d) }
func (w *watch) Close()                                         { w.close() }

const Settled = settled
