package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

//go:embed templates
var templates embed.FS

// pageNames are the pages, and their titles. All are at one depth, and those of
// one queue or schedule take its name from the query, so that every relative
// link works from every page.
var pageNames = map[string]string{
	"": "Overview", "services": "Services", "queues": "Queues", "queue": "Queue",
	"jobs":      "Jobs", // of one queue in one state
	"job":       "Job",  // in a store
	"service":   "Service",
	"item":      "Item", // that was given up or waits for its retry
	"run":       "Run",  // of a schedule
	"schedules": "Schedules", "schedule": "Schedule", "failures": "Failures", "stop": "Stop",
	"audit": "Audit", // the trail of a store
}

func isPage(name string) bool {
	_, ok := pageNames[name]
	return ok
}

// view is what the templates see.
type view struct {
	State   State
	Page    string
	Name    string // of the one queue or schedule that the page is about
	Title   string
	CanAct  bool
	Logged  string    // what of who asks is logged with an action: "name", "address"; "": nothing is logged
	Done    string    // what the last action did
	Undo    *Action   // takes it back; nil if nothing does
	Base    string    // what links are relative to; "": the address itself
	Mounted string    // the pattern, if it lets no action through
	Jobs    *jobsPage // on the page of that name
	Job     *jobPage  // the same

	Hours   *queueHours // on the page of a queue whose store has them
	Audit   *auditPage  // on the page of that name
	Audited bool        // some service has such a trail

	Plan *stopPlan // on the page of the stop; nil once the host has stopped

	history *history
	past    struct { // what was asked for last
		queue  string
		points []Point
	}
}

// navItem is a link at the top, with how many of its things need attention.
type navItem struct {
	Href, Label string
	Current     bool
	Count       int
	Severity    Severity
}

func parsePages() *template.Template {
	t := template.New("pages").Funcs(template.FuncMap{
		"span": unbroken, "number": number, "grouped": grouped, "count": count, "icon": icon,
		"row":   func(v, item any) row { return row{v, item} },
		"u64":   func(n int) uint64 { return uint64(max(n, 0)) },
		"more":  more,
		"clip":  clip,
		"long":  long,
		"stack": stack,
		"top10": func(all []planStep) []planStep { return all[:min(len(all), 10)] },
		"top":   top[string],
		"words": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	})
	return template.Must(t.ParseFS(templates, "templates/*.html"))
}

// row is an item of the state together with the page it stands on.
type row struct {
	V any // the view, or what takes its place
	X any
}

func (d *Dashboard) view(inv *inventory, page, name string) *view {
	v := &view{
		State: inv.state, Page: page, Name: name, Title: d.cfg.Title,
		CanAct: d.cfg.Authorize != nil, Logged: d.logged(), history: &d.history, Audited: len(inv.trails) > 0,
	}
	if page == "stop" {
		v.Plan = d.plan()
	}
	if page == "jobs" {
		v.Jobs = inv.jobs(name)
	}
	if page == "job" {
		v.Job = inv.job(name)
	}
	if page == "queue" {
		v.Hours = inv.hours(name)
	}
	if page == "audit" {
		v.Audit = inv.auditPage(name)
	}
	return v
}

func (d *Dashboard) logged() string {
	switch {
	case !d.logs():
		return ""
	case d.cfg.Actor == nil:
		return "address"
	}
	return "name"
}

// render executes one template. An error is a bug in the template, which the
// tests would find; what there is of the page is better than nothing then.
func (d *Dashboard) render(name string, v *view) []byte {
	var b bytes.Buffer
	if err := d.pages.ExecuteTemplate(&b, name, v); err != nil {
		d.logger().Error("dashboard page broken", "error", err)
	}
	return b.Bytes()
}

func (d *Dashboard) servePage(w http.ResponseWriter, r *http.Request, page, base string) {
	if !isPage(page) {
		d.serveError(w, http.StatusNotFound, "There is no such page.")
		return
	}
	if page == "jobs" && r.FormValue("queue") != "" { // the form of the filter: the name says it all
		redirect(w, "jobs?name="+url.QueryEscape(filterOf(r.Form).name(r.FormValue("queue"))))
		return
	}
	inv := d.look()
	defer inv.release()
	v := d.view(inv, page, r.FormValue("name"))
	v.Base = base
	v.Mounted = readOnlyMount(r)
	var did Action
	if v.Done, did = told(r.URL.Query(), &v.State); v.Done != "" && d.held(did) {
		did.Verb = Restore
		v.Undo = &did
	}
	status := http.StatusOK
	if v.gone() {
		status = http.StatusNotFound
	}
	d.write(w, status, "page", v)
}

func (d *Dashboard) serveError(w http.ResponseWriter, status int, message string) {
	// It asks nobody: a page that there is not costs nothing.
	now := &inventory{d: d, state: State{Time: time.Now(), Phase: phaseOf(d.host.Lifetime()), Verdict: Notice}}
	v := d.view(now, "error", message)
	d.write(w, status, "page", v)
}

func (d *Dashboard) write(w http.ResponseWriter, status int, name string, v *view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(d.render(name, v))
}

// readOnlyMount is the pattern of a mux that brings no POST here.
func readOnlyMount(r *http.Request) string {
	if strings.HasPrefix(r.Pattern, http.MethodGet+" ") {
		return r.Pattern
	}
	return ""
}

// The methods below are called by the templates.

// gone reports whether there is no such thing as the page is about.
func (v *view) gone() bool {
	switch v.Page {
	case "queue":
		return v.Queue() == nil
	case "schedule":
		return v.Schedule() == nil
	case "jobs":
		return v.Jobs == nil
	case "job":
		return v.Job == nil || v.Job.Gone
	case "audit":
		return v.Audit == nil
	case "service":
		return v.Service() == nil
	case "item":
		return v.Item() == nil
	case "run":
		return v.Run() == nil
	}
	return false
}

// PageTitle returns the title of the browser's tab: the verdict first, as tabs are
// narrow.
func (v *view) PageTitle() string {
	name := pageNames[v.Page]
	if v.Name != "" && slices.Contains([]string{"queue", "schedule", "jobs", "job", "service", "item", "run"}, v.Page) || !isPage(v.Page) {
		name = v.Name
	}
	switch {
	case v.Job != nil:
		name = fmt.Sprintf("Job %d of %s", v.Job.ID, v.Job.Queue)
	case v.Jobs != nil:
		name = v.Jobs.Queue + ": " + v.Jobs.Filter.Title()
	}
	if name == "" {
		name = "Not done"
	}
	mark := ""
	if failed, warnings := v.State.attention(); failed+warnings > 0 {
		n := failed + warnings
		mark = "(" + grouped(uint64(n)) + ") "
	}
	return mark + name + " · " + v.Title
}

// Nav returns the links at the top.
func (v *view) Nav() []navItem {
	items := []navItem{
		{Href: "./", Label: "Overview", Current: v.Page == ""},
		{Href: "services", Label: "Services", Current: v.Page == "services" || v.Page == "service"},
		{Href: "queues", Label: "Queues", Current: v.Page == "queues" || v.Page == "queue" || v.Page == "jobs" || v.Page == "job" || v.Page == "item"},
		{Href: "schedules", Label: "Schedules", Current: v.Page == "schedules" || v.Page == "schedule" || v.Page == "run"},
		{Href: "failures", Label: "Failures", Current: v.Page == "failures"},
		{Href: "stop", Label: "Stop", Current: v.Page == "stop"},
	}
	if v.Audited {
		items = append(items, navItem{Href: "audit", Label: "Audit", Current: v.Page == "audit"})
	}
	places := map[Kind]int{KindService: 1, KindQueue: 2, KindSchedule: 3}
	for about, severity := range v.State.worstOf() {
		item := &items[places[about.kind]]
		if severity.rank() < Warning.rank() {
			continue
		}
		if item.Count++; severity.rank() > item.Severity.rank() {
			item.Severity = severity
		}
	}
	return items
}

// Queue returns the queue that the page is about, or nil if there is none.
func (v *view) Queue() *Queue {
	for i := range v.State.Queues {
		if q := &v.State.Queues[i]; q.Name == v.Name {
			return q
		}
	}
	return nil
}

// Schedule returns the schedule that the page is about, or nil if there is none.
func (v *view) Schedule() *Schedule {
	for i := range v.State.Schedules {
		if j := &v.State.Schedules[i]; j.Name == v.Name {
			j.complete()
			return j
		}
	}
	return nil
}

// Upcoming are the schedules, what runs or is due first on top.
func (v *view) Upcoming() []*Schedule {
	return firsts(v.State.Schedules, func(a, b *Schedule) int {
		switch {
		case (a.Running > 0) != (b.Running > 0):
			return b.Running - a.Running
		case a.Next.IsZero() || b.Next.IsZero():
			return -a.Next.Compare(b.Next)
		}
		return a.Next.Compare(b.Next)
	})
}

// Moment returns a time in words, relative to now, and as a date.
func (v *view) Moment(t time.Time) moment {
	return moment{
		ISO: t.Format(time.RFC3339), Full: t.Format("Mon 2 Jan 2006 15:04:05 MST"), Text: when(t, v.State.Time),
		Date: dated(t, v.State.Time),
	}
}

// Age returns how long ago a moment was, in words.
func (v *view) Age(t time.Time) string { return coarse(max(0, v.State.Time.Sub(t))) }

// moment is a time in words, and as a date with a zone for what is to be checked.
type moment struct{ ISO, Full, Text, Date string }
