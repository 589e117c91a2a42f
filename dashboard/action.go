package dashboard

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

// Action is something that a person wants done; see [Config.Authorize].
type Action struct {
	Verb    Verb
	Kind    Kind   // KindQueue or KindSchedule
	Name    string // of the queue or schedule
	Service string // of a failure or job: the service that has it
	ID      int64  // of a failure or job
}

// Verb is what an [Action] does.
type Verb string

// The verbs.
const (
	Pause   Verb = "pause"   // a queue or a schedule
	Resume  Verb = "resume"  // a queue or a schedule
	RunNow  Verb = "run"     // a schedule
	Requeue Verb = "requeue" // a failure of a queue
	Discard Verb = "discard" // a failure of a queue, or a job that has ended
	Cancel  Verb = "cancel"  // a job that waits or runs

	RequeueAll Verb = "requeue_all" // all failures of a queue that are listed
	DiscardAll Verb = "discard_all" // all failures of a queue that are listed
)

// Key is what a button is known by when the page is renewed: Pause and Resume
// take turns in one place, and keep the focus there.
func (v Verb) Key() string {
	if v == Resume {
		return string(Pause)
	}
	return string(v)
}

// done is what the page says after the action.
func (v Verb) done() string {
	switch v {
	case Pause:
		return "Paused."
	case Resume:
		return "Resumed."
	case RunNow:
		return "Asked for a run now."
	case Requeue:
		return "Put into the queue again."
	case Discard:
		return "Discarded."
	case RequeueAll:
		return "All put into the queue again."
	case DiscardAll:
		return "All discarded."
	case Cancel:
		return "Cancelled."
	}
	return ""
}

// refusal is an error with the HTTP status that goes with it.
type refusal struct {
	status int
	err    error
}

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Errorf(format, args...)}
}

// maxForm bounds the body of an action, in bytes.
const maxForm = 4 << 10

// act carries an action out: from a form, which gets a page back, or from the
// script or a program that asks for JSON.
func (d *Dashboard) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	a, err := d.attempt(r)
	wantsJSON := strings.Contains(r.Header.Get("Accept"), "application/json")
	status := http.StatusOK
	if err != nil {
		status = http.StatusConflict // the component said no
		var refused *refusal
		if errors.As(err, &refused) {
			status = refused.status
		}
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "POST")
		}
	}
	switch {
	case wantsJSON && err != nil:
		writeJSON(w, status, map[string]string{"error": text(err)})
	case wantsJSON:
		writeJSON(w, status, map[string]string{"done": a.Verb.done()})
	case err != nil:
		d.serveError(w, status, text(err))
	default:
		redirect(w, backTo(r.PostForm, a))
	}
}

// attempt checks one thing after the other; nothing is done, and nobody is asked,
// before the request is known to come from this page.
func (d *Dashboard) attempt(r *http.Request) (Action, error) {
	if r.Method != http.MethodPost {
		return Action{}, refuse(http.StatusMethodNotAllowed, "an action needs POST")
	}
	if err := d.origin.Check(r); err != nil {
		d.log.Warn("dashboard action refused", slog.String("actor", d.cfg.Actor(r)), slog.Any("error", err))
		return Action{}, refuse(http.StatusForbidden, "the request comes from another site")
	}
	if err := r.ParseForm(); err != nil {
		return Action{}, refuse(http.StatusBadRequest, "the form cannot be read: %w", err)
	}
	a, err := parseAction(r.PostForm)
	if err != nil {
		return a, err
	}
	if d.cfg.Authorize == nil {
		err = refuse(http.StatusForbidden, "this dashboard is read-only")
	} else if denied := d.cfg.Authorize(r, a); denied != nil {
		err = refuse(http.StatusForbidden, "not allowed: %w", denied)
	} else {
		err = guard.Call(func() error { return d.take(time.Now()).do(a) })
	}
	d.logAction(r, a, err)
	return a, err
}

func (d *Dashboard) logAction(r *http.Request, a Action, err error) {
	args := []any{
		slog.String("action", string(a.Verb)), slog.String(string(a.Kind), a.Name),
		slog.String("actor", d.cfg.Actor(r)), slog.String("remote", r.RemoteAddr),
	}
	if a.Service != "" {
		args = append(args, slog.String("service", a.Service), slog.Int64("id", a.ID))
	}
	if err != nil {
		d.log.Warn("dashboard action refused", append(args, slog.Any("error", err))...)
		return
	}
	d.log.Info("dashboard action", args...)
}

func parseAction(form url.Values) (Action, error) {
	a := Action{Verb: Verb(form.Get("verb")), Kind: Kind(form.Get("kind")), Name: form.Get("name")}
	allowed := map[Kind][]Verb{
		KindQueue:    {Pause, Resume, Requeue, Discard, RequeueAll, DiscardAll, Cancel},
		KindSchedule: {Pause, Resume, RunNow},
	}
	if !slices.Contains(allowed[a.Kind], a.Verb) {
		return a, refuse(http.StatusBadRequest, "no such action")
	}
	if a.Verb == Requeue || a.Verb == Discard || a.Verb == Cancel {
		var err error
		a.Service = form.Get("service")
		if a.ID, err = strconv.ParseInt(form.Get("id"), 10, 64); err != nil || a.ID < 1 {
			return a, refuse(http.StatusBadRequest, "the id is not a number from 1 on")
		}
		if a.Service == "" { // another service's failure may have the same id
			return a, refuse(http.StatusBadRequest, "the service is missing")
		}
	}
	return a, nil
}

// do finds what the action is about and does it.
func (inv *inventory) do(a Action) error {
	sources := inv.queues[a.Name]
	if a.Kind == KindSchedule {
		sources = nil
		if s, ok := inv.schedules[a.Name]; ok {
			sources = []source{s}
		}
	}
	if len(sources) == 0 {
		return refuse(http.StatusNotFound, "there is no %s %q", a.Kind, a.Name)
	}
	able := false
	for _, s := range sources {
		if a.Service != "" && s.service != a.Service {
			continue
		}
		could, err := s.do(a)
		if err != nil {
			return err
		}
		able = able || could
	}
	if !able {
		return refuse(http.StatusNotFound, "%s %q cannot do that", a.Kind, a.Name)
	}
	return nil
}

func (s source) do(a Action) (able bool, err error) {
	switch a.Verb {
	case Pause, Resume:
		p, ok := find[pauser](s)
		if ok && a.Verb == Pause {
			p.Pause()
		} else if ok {
			p.Resume()
		}
		return ok, nil
	case RunNow:
		t, ok := find[trigger](s)
		if ok {
			err = t.Trigger()
		}
		return ok, err
	case RequeueAll, DiscardAll:
		return s.doAll(a.Verb)
	case Cancel:
		q, ok := find[canceller](s)
		if ok {
			err = q.Cancel(a.ID)
		}
		return ok, err
	default:
		q, ok := find[requeuer](s)
		if ok && a.Verb == Requeue {
			err = q.Requeue(a.ID)
		} else if ok {
			err = q.Discard(a.ID)
		}
		return ok, err
	}
}

// doAll acts on the failures that are there now and ends at the first that cannot
// be done, such as one for which the queue has no room. One that somebody else
// dealt with meanwhile is no longer there.
func (s source) doAll(verb Verb) (able bool, err error) {
	q, ok := find[requeuer](s)
	listed, lists := find[failureSource](s)
	if !ok || !lists {
		return false, nil
	}
	one := q.Requeue
	if verb == DiscardAll {
		one = q.Discard
	}
	failures := listed.Failures()
	for done, f := range failures {
		err := one(f.ID)
		if err != nil && slices.ContainsFunc(listed.Failures(), func(left channelq.Failure) bool { return left.ID == f.ID }) {
			return true, fmt.Errorf("%d of %d done: %w", done, len(failures), err)
		}
	}
	return true, nil
}

// backTo is the page that the form was on, with the verb for its message. It is
// put together from what is known, so that a form cannot send anybody elsewhere.
func backTo(form url.Values, a Action) string {
	page := form.Get("page")
	if !isPage(page) {
		page = ""
	}
	q := url.Values{"did": {string(a.Verb)}}
	if name := form.Get("of"); name != "" {
		q.Set("name", name)
	}
	if page == "" {
		page = "./"
	}
	return page + "?" + q.Encode()
}
