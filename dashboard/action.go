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

	"github.com/steadgo/stead/internal/guard"
)

// Action is what a person asks the page to do. See [Config.Authorize].
type Action struct {
	Verb    Verb
	Kind    Kind
	Name    string // of the queue, schedule or service
	Service string // of a failure, retry or job: the service that has it
	ID      int64  // of a failure, retry or job

	At     time.Time // of Reschedule: when the job is to be due
	Error  string    // of RequeueAll and DiscardAll: only the failures with this error, without its varying parts; "": all
	Filter string    // of RequeueMatching, CancelMatching and DiscardMatching: the jobs, as a query such as state=discarded&key=a

	seen int       // the attempts that were shown, plus 1; 0 if not known
	from time.Time // the due time that was shown; zero if not known
}

// Seen returns how many attempts the job or failure had when the page offered Requeue, as a
// field of a form. If that is not known, it returns "".
func (a Action) Seen() string {
	if a.seen == 0 {
		return ""
	}
	return strconv.Itoa(a.seen - 1)
}

// Verb is what an [Action] does.
type Verb string

// The verbs.
const (
	Pause   Verb = "pause"   // a queue or a schedule
	Resume  Verb = "resume"  // a queue or a schedule
	Trigger Verb = "trigger" // a schedule
	Requeue Verb = "requeue" // a failure of a queue
	Discard Verb = "discard" // a failure of a queue, or a job that has ended
	Restore Verb = "restore" // takes Discard back: of a failure of a queue in memory, within a minute
	Cancel  Verb = "cancel"  // a job that waits or runs

	Reschedule Verb = "reschedule" // a job that waits: changes when it is due

	RetryNow Verb = "retry_now" // an item that waits for its retry
	GiveUp   Verb = "give_up"   // an item that waits for its retry

	RequeueAll Verb = "requeue_all" // all failures of a queue that are listed, or those with one error
	DiscardAll Verb = "discard_all" // all failures of a queue that are listed, or those with one error

	RequeueMatching Verb = "requeue_matching" // all jobs in the store that match a filter; it goes on in the background
	CancelMatching  Verb = "cancel_matching"  // the same
	DiscardMatching Verb = "discard_matching" // the same
	StopMatching    Verb = "stop_matching"    // ends one of these between two pieces

	Acknowledge Verb = "acknowledge" // what is wrong with a thing so far: it is no alarm any more
	Reopen      Verb = "reopen"      // takes Acknowledge back

	Stacks Verb = "stacks" // to see the stacks of a service; it changes nothing, and is no POST
)

// Key returns the name that identifies a button when the page is renewed. Pause and Resume
// take turns in one place, and share a name to keep the focus there.
func (v Verb) Key() string {
	switch v {
	case Resume:
		return string(Pause)
	case Reopen:
		return string(Acknowledge)
	}
	return string(v)
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
	a, n, lacking, err := d.attempt(r)
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
		writeJSON(w, status, d.answered(a, n, lacking))
	case err != nil:
		d.serveError(w, status, text(err))
	default:
		redirect(w, backTo(r.PostForm, a, n, lacking))
	}
}

// attempt checks one thing after the other; nothing is done, and nobody is asked,
// before the request is known to come from this page. What was done is lacking if the audit
// trail of the store does not have it.
func (d *Dashboard) attempt(r *http.Request) (a Action, n int, lacking bool, err error) {
	if r.Method != http.MethodPost {
		return a, 0, false, refuse(http.StatusMethodNotAllowed, "an action needs POST")
	}
	actor, unknown := d.actor(r)
	if err := d.origin.Check(r); err != nil {
		d.logger().Warn("dashboard action refused", slog.String("actor", actor), slog.Any("error", err))
		return a, 0, false, refuse(http.StatusForbidden, "the request comes from another site")
	}
	if err := r.ParseForm(); err != nil {
		return a, 0, false, refuse(http.StatusBadRequest, "the form cannot be read: %w", err)
	}
	if a, err = parseAction(r.PostForm); err != nil {
		return a, 0, false, err
	}
	if unknown != nil { // what is done has to be known by whom
		err = refuse(http.StatusInternalServerError, "who asks cannot be told: %w", unknown)
	} else if d.cfg.Authorize == nil {
		err = refuse(http.StatusForbidden, "this dashboard is read-only")
	} else if denied := guard.Call(func() error { return d.cfg.Authorize(r, a) }); denied != nil {
		err = refuse(http.StatusForbidden, "not allowed: %w", denied)
	} else {
		err = guard.Call(func() error {
			inv := d.take(time.Now())
			defer func() { lacking = inv.lacking }()
			n, err = inv.do(a, actor)
			return err
		})
	}
	d.logAction(r, actor, a, err)
	if err != nil && lacking { // a part was done
		err = fmt.Errorf("%w.%s", err, notAudited)
	}
	return a, n, lacking, err
}

// actor is asked before anything is done: it is the program's code.
func (d *Dashboard) actor(r *http.Request) (name string, err error) {
	if d.cfg.Actor == nil {
		return r.RemoteAddr, nil
	}
	err = guard.Call(func() error { name = d.cfg.Actor(r); return nil })
	if err != nil {
		name = "unknown"
	}
	return name, err
}

func (d *Dashboard) logAction(r *http.Request, actor string, a Action, err error) {
	args := []any{
		slog.String("action", string(a.Verb)), slog.String(string(a.Kind), a.Name),
		slog.String("actor", actor), slog.String("remote", r.RemoteAddr),
	}
	if a.Service != "" {
		args = append(args, slog.String("service", a.Service))
	}
	if a.ID > 0 {
		args = append(args, slog.Int64("id", a.ID))
	}
	if a.Filter != "" {
		args = append(args, slog.String("filter", a.Filter))
	}
	if !a.At.IsZero() {
		args = append(args, slog.Time("due", a.At))
	}
	if a.Error != "" {
		args = append(args, slog.String("failures_with", a.Error))
	}
	if err != nil {
		d.logger().Warn("dashboard action refused", append(args, slog.Any("error", err))...)
		return
	}
	d.logger().Info("dashboard action", args...)
}

func parseAction(form url.Values) (Action, error) {
	a := Action{Verb: Verb(form.Get("verb")), Kind: Kind(form.Get("kind")), Name: form.Get("name")}
	allowed := map[Kind][]Verb{
		KindQueue:    {Pause, Resume, Requeue, Discard, Restore, RetryNow, GiveUp, RequeueAll, DiscardAll, Cancel, Reschedule, RequeueMatching, CancelMatching, DiscardMatching, StopMatching, Acknowledge, Reopen},
		KindSchedule: {Pause, Resume, Trigger, Acknowledge, Reopen},
		KindService:  {Acknowledge, Reopen},
	}
	if !slices.Contains(allowed[a.Kind], a.Verb) {
		return a, refuse(http.StatusBadRequest, "no such action: verb %.40q of kind %.40q", a.Verb, a.Kind)
	}
	if a.Verb == RequeueAll || a.Verb == DiscardAll {
		a.Error = form.Get("error")
	}
	if a.Verb.onMatching() {
		a.Service = form.Get("service")
		if a.Verb != StopMatching {
			a.Filter = form.Get("filter")
		}
	}
	if slices.Contains([]Verb{Requeue, Discard, Restore, RetryNow, GiveUp, Cancel, Reschedule}, a.Verb) {
		var err error
		a.Service = form.Get("service")
		if a.ID, err = strconv.ParseInt(form.Get("id"), 10, 64); err != nil || a.ID < 1 {
			return a, refuse(http.StatusBadRequest, "the id is not a number from 1 on")
		}
		if a.Service == "" { // another service's failure may have the same id
			return a, refuse(http.StatusBadRequest, "the service is missing")
		}
	}
	return a, a.parseSeen(form)
}
