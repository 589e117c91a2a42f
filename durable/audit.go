package durable

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"github.com/steadgo/stead/lifecycle"
)

// The longest texts of an entry of the audit trail, in bytes. What is longer is cut: an
// entry that is refused would be worse.
const (
	maxActor  = 256
	maxAction = 64
	maxDetail = 4096
)

// maxTrail is how many entries a page of the trail has.
const maxTrail = 100

// Audit adds entries to the audit trail in the store, all or none. The store sets their ID and
// At. Texts are stored without NUL and as UTF-8, and cut at 256 bytes (Actor, Name), 64
// (Action, Kind) and 4096 (Detail). [Config].KeepAudit says how long an entry is kept. The
// dashboard calls it for each action; a program calls it for what it lets people do itself.
//
// It blocks until the store answers or ctx is done.
func (j *core) Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	clean := make([]lifecycle.AuditEntry, len(entries))
	for i, e := range entries {
		e.Actor, e.Name = storableText(cut(e.Actor, maxActor)), storableText(cut(e.Name, maxName))
		e.Action, e.Kind = storableText(cut(e.Action, maxAction)), storableText(cut(e.Kind, maxAction))
		e.Detail = storableText(cut(e.Detail, maxDetail))
		clean[i] = e
	}
	err := j.reachable()
	if err == nil {
		err = j.store.AddAudit(ctx, clean)
	}
	if err != nil {
		return fmt.Errorf("stead/durable: audit trail: %w", hint(err))
	}
	return nil
}

// AuditTrail returns the newest hundred entries of the audit trail in the store, the newest
// first. If before is not zero, they are the newest of those with a lower ID. Next is the
// before of the next page, zero if there is none.
//
// It blocks until the store answers or ctx is done.
func (j *core) AuditTrail(ctx context.Context, before int64) (list []lifecycle.AuditEntry, next int64, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	if err = j.reachable(); err == nil {
		list, err = j.store.Audit(ctx, before, maxTrail+1)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("stead/durable: audit trail: %w", hint(err))
	}
	if len(list) > maxTrail {
		list = list[:maxTrail]
		next = list[maxTrail-1].ID
	}
	return list, next, nil
}

// Audit is [Jobs.Audit] for what was done to the queue or its jobs. It sets Kind and Name.
func (q *Queue[T]) Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error {
	return q.jobs.auditOf(ctx, "queue", q.kind, entries)
}

// Audit writes entries about the schedule, see [Jobs.ScheduleList].
func (s *entry) Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error {
	return s.jobs.auditOf(ctx, "schedule", s.name, entries)
}

func (j *core) auditOf(ctx context.Context, kind, name string, entries []lifecycle.AuditEntry) error {
	named := make([]lifecycle.AuditEntry, len(entries))
	for i, e := range entries {
		e.Kind, e.Name = kind, name
		named[i] = e
	}
	return j.Audit(ctx, named...)
}

type actorKey struct{}

// WithActor returns a context with which the methods of [Schedules] write into the audit trail
// that actor did it. Without an actor they write nothing. If the trail cannot be written, what
// was done stands, and a Warn is logged.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// audit writes down what was done if ctx says by whom.
func (j *core) audit(ctx context.Context, e lifecycle.AuditEntry) {
	actor, ok := ctx.Value(actorKey{}).(string)
	if !ok {
		return
	}
	e.Actor = actor
	if err := j.Audit(ctx, e); err != nil {
		j.log.Warn("action not in the audit trail", slog.String("action", e.Action), slog.String(e.Kind, e.Name), slog.Any("error", err))
	}
}
