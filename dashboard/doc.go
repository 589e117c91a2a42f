// Package dashboard is a web page over one host: what failed, why, when it is
// tried next, what is slow, and what holds up the stop.
//
// # Usage
//
//	isAdmin := func(r *http.Request) bool {
//		user, given, _ := r.BasicAuth()
//		return password != "" && user == "admin" && subtle.ConstantTimeCompare([]byte(given), []byte(password)) == 1
//	}
//	dash := dashboard.New(host, dashboard.Config{
//		Authorize: func(r *http.Request, a dashboard.Action) error {
//			if !isAdmin(r) {
//				return errors.New("administrators only")
//			}
//			return nil
//		},
//	})
//	mux.HandleFunc("/admin/", func(w http.ResponseWriter, r *http.Request) {
//		if !isAdmin(r) {
//			w.Header().Set("WWW-Authenticate", `Basic realm="admin"`)
//			http.Error(w, "administrators only", http.StatusUnauthorized)
//			return
//		}
//		dash.ServeHTTP(w, r)
//	})
//	host.Add("dashboard", dash) // optional: keeps the charts going while nobody looks
//
// An empty password lets nobody in: a variable of the environment that is not set
// must not open the page. Basic authentication needs TLS, here or in front.
//
// Whoever can reach the page can read it: error texts, names and numbers, not the
// items. Guard it like other admin pages. Without Authorize nothing can be
// changed.
//
// The page is live by server-sent events and works without JavaScript by
// reloading. The same is at api/v1/state as JSON, described by
// api/v1/schema.json; ?history=1 adds the samples of the charts. A POST to
// actions with the form fields verb, kind, name and, for a failure, service and
// id does what a button does; with Accept: application/json it is answered by
// {"done"} or {"error"}.
//
// # What is shown
//
// Everything that was added to the host, and to hosts inside it, whose services,
// queues and schedules have the path in front: outer/inner. Two queues or two
// schedules of one name are told apart by a ' behind the second. A service, one
// behind its Unwrap methods, or what was given to hosted.Watch shows more by
// having any of these methods; those of channelq and periodic have them, and so
// can yours:
//
//	Stats() channelq.Stats                a queue
//	Observed() any                        the queue itself, if several services are consumers of it
//	Failures() []channelq.Failure         its items that failed for good,
//	Requeue(id int64) error              which can be requeued
//	Discard(id int64) error              and discarded
//	Retrying() []channelq.Retrying        its items that wait for the next attempt
//	States() map[string]int               its jobs by state, if it is kept elsewhere,
//	Counted() (time.Time, []string)       when they were counted; zero: never; and which states were estimated
//	Jobs(state string) []channelq.StoredJob    which can be listed, requeued, discarded
//	JobsPage(state, after string) ([]channelq.StoredJob, string)   page by page, the next one after what it returns
//	Cancel(id int64) error               and cancelled
//	Deserted() (int, time.Time)           how many a process holds that is gone, and when the first is freed
//	Queues() []interface{ Name() string } more queues
//	Schedules() []interface{ Name() string } more schedules
//	Instances() []lifecycle.Instance      the processes that share the work
//	Stats() periodic.Stats                a schedule
//	Trigger() error                       it can be run now
//	Jobs() []*periodic.Job                a scheduler with many
//	Pause(), Resume()                     a queue or schedule can be paused
//	Paused() bool                         a queue is paused
//	Backlog() int                         what a stop has still to drain: it has workers for a queue
//	Stuck() int                           handlers or runs that do not return
//	Group() string                        it runs on one process of a group: this one
//	Role() (bool, time.Time, int64)       leads or follows, since when, and its fence
//	Transitions() uint64                  and how often that changed
//	Outage() (time.Time, error)           since when the store of its lease or its jobs does not answer, and why
//
// They are called for every page and every second of an open one, from several
// goroutines: they must be quick and must not block. One that panics costs its
// part of the page.
//
// # Guarantees
//
//  1. GET and HEAD change nothing. An action is a POST, is refused if it comes
//     from another site (http.CrossOriginProtection), and asks Authorize before
//     anything is looked at. Each is logged with who asked, done or not.
//  2. Items are hidden unless Config.FormatItem shows them. Everything is escaped;
//     the content security policy allows no inline script or style, nothing from
//     elsewhere, and no frame.
//  3. All links are relative: the page works under any prefix, also behind a
//     proxy that adds one. Below an http.ServeMux it finds out what the prefix is;
//     other routers have to take it off, with http.StripPrefix, and until they do
//     the answer says so. No place has a second path.
//  4. An open page never holds up a shutdown: its stream ends when the server that
//     carries it begins to shut down, and when the host has stopped.
//
// # Shutdown
//
// The page shows a stop as long as its server is up. On the program's main
// server, which is added last and stops first, that is the drain delay. To see
// the stop to its end give it a server of its own, and add that first:
//
//	host.Add("admin", hosted.HTTP(&http.Server{Addr: "localhost:8081", Handler: dash}))
//
// Where a middleware replaces the request's context, so that the server cannot be
// known, streams end when the host begins to stop; the page then asks again every
// second.
//
// # Cost
//
// Nothing when nobody looks: a Dashboard has no goroutine, and the samples of the
// charts are taken when a page is asked for. An open page costs a goroutine and,
// with ten queues, half a millisecond a second for each viewer. Added to a host,
// it takes a sample of every queue each second, at most 50 us for ten of them, and
// keeps 80 bytes of each.
// It also knows better how long an item has waited: a queue notes the time of few
// of its items, and of the others when somebody first asked.
//
// # Testing
//
// In a testing/synctest bubble a Dashboard that was added to the host samples each
// second of the bubble's time: 600,000 samples in a test of a week, which take
// several seconds, and more with many services. Leave host.Add("dashboard", dash) out
// of such tests, or set Config.Interval to an hour; the page works either way.
//
// # Not for
//
// Alerting and history beyond an hour: package metrics gives the same numbers to
// Prometheus. Deciding who may see the page. Several processes on one page: each
// has its own.
package dashboard
