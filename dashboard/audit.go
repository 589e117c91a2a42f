package dashboard

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// storeWait bounds what a page or an action asks a store for by a context.
const storeWait = 5 * time.Second

// audit writes into the trail of the store, if s has one, what was done to which jobs. What
// was done stands if that fails.
func (inv *inventory) audit(s source, a Action, by string, done []int64) {
	if len(done) == 0 {
		return
	}
	entries := make([]lifecycle.AuditEntry, len(done))
	for i, id := range done {
		entries[i] = lifecycle.AuditEntry{Actor: by, Action: string(a.Verb), Job: id, Detail: a.Error}
		if id > 0 {
			entries[i].Count = 1
		}
		if !a.At.IsZero() {
			entries[i].Detail = "due " + a.At.Format(time.RFC3339)
		}
	}
	if inv.d.audit(s, a, entries...) {
		inv.lacking = true
	}
}

// audit writes entries into the trail of the store, if s has one, and reports whether it
// lacks them now.
func (d *Dashboard) audit(s source, a Action, entries ...lifecycle.AuditEntry) (lacking bool) {
	trail, ok := find[auditor](s)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait) // not that of the request: who has left did it too
	defer cancel()
	err := guard.Call(func() error { return trail.Audit(ctx, entries...) })
	if err != nil {
		d.logger().Warn("dashboard action not in the audit trail", slog.String("action", string(a.Verb)),
			slog.String(string(a.Kind), a.Name), slog.Any("entries", entries), slog.Any("error", err))
	}
	return err != nil
}

// trail is the audit trail of the store of a service.
type trail struct {
	service string
	source  trailSource
}

// auditPage is a page of the trail of one service.
type auditPage struct {
	Service string
	Others  []string // services that have a trail too
	List    []lifecycle.AuditEntry
	Error   string // why there is no list
	Further bool   // it is not the first page
	Next    string // the name of the next page; empty if there is none
}

// auditPage asks a service for its trail when a viewer opens its page. The name is that of
// the service, and behind an @ where a further page begins. If name is empty, the first
// service with a trail is used.
func (inv *inventory) auditPage(name string) *auditPage {
	p := &auditPage{Service: name}
	before := int64(0)
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		if id, err := strconv.ParseInt(name[at+1:], 10, 64); err == nil && id > 0 {
			p.Service, before, p.Further = name[:at], id, true
		}
	}
	if p.Service == "" && len(inv.trails) > 0 {
		p.Service = inv.trails[0].service
	}
	i := slices.IndexFunc(inv.trails, func(t trail) bool { return t.service == p.Service })
	if i < 0 {
		return nil
	}
	for _, t := range inv.trails {
		if t.service != p.Service {
			p.Others = append(p.Others, t.service)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	err := guard.Call(func() error {
		list, next, err := inv.trails[i].source.AuditTrail(ctx, before)
		if p.List = list; next > 0 {
			p.Next = p.Service + "@" + strconv.FormatInt(next, 10)
		}
		return err
	})
	p.Error = text(err)
	return p
}
