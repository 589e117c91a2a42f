package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
)

// listedFully is how many jobs a full page of a list has.
const listedFully = 100

// jobFilter is a channelq.JobFilter as a person has typed it. State may be several with
// commas between.
type jobFilter struct{ State, Key, Error, Since, Until, ID string }

// filterOf reads a form.
func filterOf(form url.Values) jobFilter {
	get := func(field string) string { return strings.TrimSpace(form.Get(field)) }
	return jobFilter{State: get("state"), Key: get("key"), Error: form.Get("error"), Since: get("since"), Until: get("until"), ID: get("id")}
}

// parseFilter reads what query has written, or a state alone. It also returns why something
// is not in the filter: a page shows what there is, but an action would select more jobs than
// were meant.
func parseFilter(spec string) (jobFilter, error) {
	if !strings.Contains(spec, "=") {
		return jobFilter{State: spec}, nil
	}
	form, err := url.ParseQuery(spec)
	if err != nil {
		return filterOf(form), fmt.Errorf("the filter cannot be read: %w", err)
	}
	for field, values := range form {
		if !slices.Contains([]string{"state", "key", "error", "since", "until", "id"}, field) {
			return filterOf(form), fmt.Errorf("the filter has an unknown field: %.40q", field)
		}
		if len(values) > 1 {
			return filterOf(form), fmt.Errorf("the filter has the field %s twice", field)
		}
	}
	return filterOf(form), nil
}

// query is the filter without a slash or an @.
func (f jobFilter) query() string {
	form := url.Values{"state": {f.State}}
	for field, value := range map[string]string{"key": f.Key, "error": f.Error, "since": f.Since, "until": f.Until, "id": f.ID} {
		if value != "" {
			form.Set(field, value)
		}
	}
	return form.Encode()
}

// name is the name of the page with the jobs of a queue that the filter selects.
func (f jobFilter) name(queue string) string {
	if f == (jobFilter{State: f.State}) && f.State != "" && !strings.ContainsAny(f.State, ",/@=") {
		return queue + "/" + f.State
	}
	return queue + "/" + f.query()
}

// Page returns the name of the page, for a template.
func (j *jobsPage) Page() string { return j.Filter.name(j.Queue) }

// Query returns the filter as a query, for an action.
func (j *jobsPage) Query() string { return j.Filter.query() }

// Narrow reports whether the filter has more than states.
func (f jobFilter) Narrow() bool { return f != jobFilter{State: f.State} }

// Title returns the title of the list.
func (f jobFilter) Title() string {
	if f.State == "" {
		return "jobs"
	}
	return strings.ReplaceAll(f.State, ",", ", ")
}

// parsed returns an error that names the field.
func (f jobFilter) parsed() (out channelq.JobFilter, err error) {
	out = channelq.JobFilter{Key: f.Key, Error: f.Error}
	for s := range strings.SplitSeq(f.State, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out.States = append(out.States, s)
		}
	}
	if f.ID != "" {
		if out.ID, err = strconv.ParseInt(f.ID, 10, 64); err != nil || out.ID < 1 {
			return out, fmt.Errorf("the job is no number from 1 on: %.40q", f.ID)
		}
	}
	if out.Since, err = parseMoment("since", f.Since); err != nil {
		return out, err
	}
	out.Until, err = parseMoment("until", f.Until)
	return out, err
}

// parseMoment reads what a browser sends, which has no zone: that is of the program.
func parseMoment(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly, "2006-01-02 15:04", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%s is no time such as 2006-01-02 15:04: %.40q", field, text)
}

// Zone returns the time zone of the times that are typed.
func (v *view) Zone() string { return v.State.Time.Format("MST") }

// ListedQueue returns the queue of a list of jobs, as its name says.
func (v *view) ListedQueue() string {
	return v.Name[:max(0, strings.LastIndexByte(v.Name, '/'))]
}

// Several reports whether the list has jobs of more than one state.
func (j *jobsPage) Several() bool {
	return j.Filter.State == "" || strings.Contains(j.Filter.State, ",")
}

// OtherState reports whether the states are none of those to choose from.
func (j *jobsPage) OtherState() bool {
	return j.Filter.State != "" && !slices.Contains(j.States, j.Filter.State)
}

// MatchingLabel returns the text on the control that opens a confirmation.
func (v *view) MatchingLabel(o offer) string {
	verb := map[Verb]string{RequeueMatching: "Requeue", CancelMatching: "Cancel", DiscardMatching: "Discard"}[o.Verb]
	if o.AtLeast {
		return verb + " all that match, at least " + grouped(uint64(o.Total))
	}
	return verb + " all " + grouped(uint64(o.Total)) + " that match"
}

// What returns the name of the action, which runs or has ended.
func (b *bulk) What() string {
	verbs := map[Verb][2]string{
		RequeueMatching: {"Requeuing jobs", "Requeued jobs"}, CancelMatching: {"Canceling jobs", "Canceled jobs"}, DiscardMatching: {"Discarding jobs", "Discarded jobs"},
	}[b.Verb]
	if b.Ended.IsZero() {
		return verbs[0]
	}
	return verbs[1]
}

// Seen returns how many jobs were changed or skipped, at most Total.
func (b *bulk) Seen() int { return min(b.Done+b.Skipped, b.Total) }

// Left reports whether Total is still a bound: jobs that came meanwhile were dealt with too.
func (b *bulk) Left() bool { return b.Total > 0 && b.Done+b.Skipped <= b.Total }
