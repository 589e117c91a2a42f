package durable

import (
	"context"
	"log/slog"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// suspicion is how long a process is not seen, of those whose absence makes it one that
// is gone, until the log says what it holds: more than two signs of life did not come.
const suspicion = 40 * time.Second

// horizonOf is how old the attempts of a process have to be to count as lost.
func (j *core) horizonOf(m store.Missing) time.Duration {
	if m.Horizon > 0 {
		return m.Horizon
	}
	return j.rescueAfter()
}

// isGone reports whether a process was not seen for so long, or for its horizon if that
// is less.
func (j *core) isGone(m store.Missing, unseen time.Duration) bool {
	return m.Unseen == 0 || m.Unseen > min(unseen, j.horizonOf(m))
}

// sayMissing tells the log, once for each process, what it holds and until when.
func (j *core) sayMissing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	list, err := j.store.Missing(ctx)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	for _, m := range list {
		if _, mine := j.queueOf(m.Queue); !mine || !j.isGone(m, suspicion) {
			continue
		}
		key := m.ID + "\x00" + m.Queue
		if said[key] = true; j.said[key] {
			continue
		}
		horizon := j.horizonOf(m)
		attrs := []any{slog.String("queue", m.Queue), slog.Int("jobs", m.Jobs), slog.String("process", m.ID), slog.String("host", m.Host),
			slog.Time("freed_from", m.First.Add(horizon)), slog.Time("freed_until", m.Last.Add(horizon+2*rescueEvery))}
		if m.Unseen > 0 {
			attrs = append(attrs, slog.Duration("unseen", m.Unseen.Round(time.Second)))
		}
		j.log.Warn("a process that is not seen any more holds jobs", attrs...)
	}
	j.said = said
	return nil
}
