package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// answer is what the page says after an action: what was done, and to what. n is to how
// many.
func (a Action) answer(n int) string {
	switch thing := string(a.Kind) + " " + a.Name; a.Verb {
	case Pause:
		return "Paused " + thing + "."
	case Resume:
		return "Resumed " + thing + "."
	case Trigger:
		if n == 0 {
			return "Triggered " + a.Name + "; it begins when the run that is under way ends."
		}
		return "Triggered a run of " + a.Name + "."
	case Requeue:
		return fmt.Sprintf("Requeued %d of %s.", a.ID, a.Name)
	case Discard:
		return fmt.Sprintf("Discarded %d of %s.", a.ID, a.Name)
	case RetryNow:
		return fmt.Sprintf("Retry %d of %s is tried now.", a.ID, a.Name)
	case GiveUp:
		return fmt.Sprintf("Gave up on retry %d of %s. It is among the failures, and can be requeued.", a.ID, a.Name)
	case Restore:
		return fmt.Sprintf("Restored %d of %s.", a.ID, a.Name)
	case Reschedule:
		return fmt.Sprintf("%d of %s is due at %s.", a.ID, a.Name, a.At.UTC().Format(time.DateTime+" MST"))
	case Cancel:
		return fmt.Sprintf("Canceled %d of %s.", a.ID, a.Name)
	case RequeueAll:
		return fmt.Sprintf("Requeued %s of %s.", count(n, "failure"), a.Name)
	case DiscardAll:
		return fmt.Sprintf("Discarded %s of %s.", count(n, "failure"), a.Name)
	case RequeueMatching:
		return fmt.Sprintf("Began to requeue all jobs of %s that match. The list of its jobs shows how far it is.", a.Name)
	case CancelMatching:
		return fmt.Sprintf("Began to cancel all jobs of %s that match. The list of its jobs shows how far it is.", a.Name)
	case DiscardMatching:
		return fmt.Sprintf("Began to discard all jobs of %s that match. The list of its jobs shows how far it is.", a.Name)
	case StopMatching:
		return fmt.Sprintf("What is under way for jobs of %s ends after this piece.", a.Name)
	case Acknowledge:
		return "Acknowledged what is wrong with " + thing + "."
	case Reopen:
		return "Reopened what is wrong with " + thing + "."
	}
	return ""
}

// undo is the verb that takes a back; "" if nothing does.
func (v Verb) undo() Verb {
	return map[Verb]Verb{Pause: Resume, Resume: Pause, Acknowledge: Reopen, Reopen: Acknowledge}[v]
}

// notAudited is what the page says of what was done and not written down.
const notAudited = " The audit trail in the store could not be written and lacks it."

// answered is the answer as JSON, with the verb that takes it back.
func (d *Dashboard) answered(a Action, n int, lacking bool) map[string]string {
	said := map[string]string{"done": a.answer(n)}
	if lacking {
		said["done"] += notAudited
	}
	if undo := a.Verb.undo(); undo != "" {
		said["undo"] = string(undo)
	} else if d.held(a) {
		said["undo"] = string(Restore)
	}
	return said
}

// held reports whether a is a discard that can be taken back.
func (d *Dashboard) held(a Action) bool {
	return a.Verb == Discard && d.discards.has(discarded{a.Name, a.Service, a.ID})
}

// backTo is the page that the form was on, with the action for its message. It is
// put together from what is known, so that a form cannot send anybody elsewhere.
func backTo(form url.Values, a Action, n int, lacking bool) string {
	page := form.Get("page")
	if !isPage(page) {
		page = ""
	}
	q := url.Values{"did": {string(a.Verb)}, "kind": {string(a.Kind)}, "thing": {a.Name}}
	if n == 0 {
		q.Set("n", "0")
	}
	if a.ID > 0 {
		q.Set("id", strconv.FormatInt(a.ID, 10))
	}
	if a.Verb == Discard {
		q.Set("service", a.Service)
	}
	if a.Verb == Reschedule {
		q.Set("at", a.At.UTC().Format(time.RFC3339Nano))
	}
	if n > 1 {
		q.Set("n", strconv.Itoa(n))
	}
	if lacking {
		q.Set("lacking", "1")
	}
	if name := form.Get("of"); name != "" {
		q.Set("name", name)
	}
	if page == "" {
		page = "./"
	}
	return page + "?" + q.Encode()
}

// told returns the message for a query that backTo has made. The query may also come from a
// foreign link, so the message names only things that exist.
func told(q url.Values, s *State) (text string, a Action) {
	a = Action{Verb: Verb(q.Get("did")), Kind: Kind(q.Get("kind")), Name: q.Get("thing"), Service: q.Get("service")}
	if !s.has(a.Kind, a.Name) {
		return "", a
	}
	a.ID, _ = strconv.ParseInt(q.Get("id"), 10, 64)
	a.At, _ = time.Parse(time.RFC3339Nano, q.Get("at"))
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil {
		n = 1
	}
	if text = a.answer(n); q.Get("lacking") != "" {
		text += notAudited
	}
	return text, a
}
