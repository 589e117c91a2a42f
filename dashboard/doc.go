// Package dashboard is a web page over one host. It shows what failed, why, when it
// is tried next, what is slow, and what holds up the stop.
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
// An empty password lets nobody in. An environment variable that is not set must not
// open the page. Basic authentication needs TLS, here or in front.
//
// Everyone who can reach the page can read it: error texts, names and numbers, not the
// items. Guard it like other admin pages. Without Authorize nothing can be changed.
//
// The page is live by server-sent events. Without JavaScript it works by reloading.
// The same is at api/v1/state as JSON, described by api/v1/schema.json. ?history=1 adds
// the samples of the charts. A POST to actions with the form fields verb, kind, name
// and, for a failure, service and id does what a button does. With Accept:
// application/json it is answered by {"done"} or {"error"}. stacks?name= has the stacks
// of the goroutines of a service, as text, if Authorize allows the verb stacks.
//
// # What is shown
//
// The page shows everything that was added to the host, and to hosts inside it. Their
// services, queues and schedules have the path in front: outer/inner. If two queues or
// two schedules have the same name, the second gets a '. A service, a service behind its
// Unwrap methods, or a component given to hosted.Watch shows more if it has any of these
// methods. Those of channelq and periodic have them, and so can yours:
//
//	Stats() channelq.Stats                a queue
//	Observed() any                        the queue itself, if several services are consumers of it
//	Failures() []channelq.Failure         its items that were given up
//	Requeue(id int64) error               requeues one of them
//	Discard(id int64) error               discards one of them
//	Retrying() []channelq.Retrying        its items that wait for their retry
//	RetryNow(id int64) error              tries one of them now
//	GiveUp(id int64) error                gives up on one of them
//	States() map[string]int               its jobs by state, if they are in a store
//	Counted() (time.Time, []string)       when they were counted (zero: never), and which states were estimated
//	Jobs(state string) []channelq.StoredJob    its jobs in one state
//	JobsPage(state, after string) ([]channelq.StoredJob, string, error)   the same by pages, with the start of the next one
//	FindJobs(ctx, channelq.JobFilter, after string) (...), CountJobs(...)   the same by a filter, see durable.Queue
//	RequeueJobs, CancelJobs, DiscardJobs  changes all that a filter selects, see durable.Queue
//	Cancel(id int64) error                cancels one of them
//	Job(ctx context.Context, id int64) (channelq.JobDetail, error)   all that is known of one of them; fs.ErrNotExist: there is none
//	RequeueIf(id int64, attempts int) error    requeues one that has had so many attempts
//	RescheduleIf(id int64, from, at time.Time) error    makes one due at another time than from
//	Listed() time.Time                    when Failures and Retrying were listed (zero: never), if a store lists them
//	Deserted() (int, time.Time)           how many jobs a dead process holds, and when the first is freed
//	Queues() []interface{ Name() string } more queues
//	ScheduleList() []interface{ Name() string } more schedules
//	History(context.Context, time.Time) ([]channelq.HourCounts, error)   what ended since then by the hour, in its store
//	Audit(context.Context, ...lifecycle.AuditEntry) error   writes down who did what on the page, for a queue or a schedule
//	AuditTrail(context.Context, int64) ([]lifecycle.AuditEntry, int64, error)   what a store has of that from below an ID, with that of the next page
//	Instances() []lifecycle.Instance      the processes that share the work
//	Stats() periodic.Stats                a schedule; it is asked once more if it is shown
//	Trigger() error                       triggers a run of it
//	Jobs() []*periodic.Job                a scheduler with many
//	Pause(), Resume()                     a queue or schedule can be paused
//	Paused() bool                         whether a queue is paused
//	Backlog() int                         what a stop has still to drain: it has workers for a queue
//	Stuck() int                           calls that a stop has abandoned
//	Group() string                        it runs on one process of a group: this one
//	Role() (bool, time.Time, int64)       leads or follows, since when, and its fence
//	Transitions() uint64                  how often that changed
//	Outage() (time.Time, error)           since when the store of its lease or its jobs is unreachable, and why
//
// The page calls these methods for every request and every second of an open page,
// from several goroutines. They must be quick and must not block. If one panics, its
// part of the page is missing.
//
// # Guarantees
//
//  1. GET and HEAD change nothing. An action is a POST. It is refused if it comes from
//     another site (http.CrossOriginProtection), and asks Authorize before anything is
//     looked at. Each is logged with who asked, done or not. The page says whether
//     there is a logger.
//  2. Items are hidden unless Config.FormatItem shows them, or the Describe of their
//     workers names them. Everything is escaped. The content security policy allows no
//     inline script or style, nothing from elsewhere, and no frame.
//  3. All links are relative: the page works under any prefix, also behind a proxy that
//     adds one. Below an http.ServeMux it finds the prefix by itself. Other routers have
//     to strip it, with http.StripPrefix. Until they do, the answer says so. No place has
//     a second path.
//  4. An open page never holds up a shutdown. Its stream ends when the server that
//     carries it begins to shut down, and when the host has stopped.
//
// # Shutdown
//
// The page shows a stop as long as its server runs. On the program's main server, which
// is added last and stops first, that is the drain delay. To see the stop to its end give
// the page a server of its own, and add that first:
//
//	host.Add("admin", hosted.HTTP(&http.Server{Addr: "localhost:8081", Handler: dash}))
//
// A page whose server has stopped says so, and shows what was last known. If a middleware
// replaces the request's context, the server is not known. Streams then end when the host
// begins to stop, and the page asks again every second.
//
// # Cost
//
// Without a viewer the page costs nothing: a Dashboard has no goroutine, and takes the
// samples of the charts when a page is asked for. An open page costs a goroutine and, with
// ten queues, half a millisecond a second for each viewer. Added to a host, a Dashboard
// takes a sample of every queue each second, some 20 us for ten queues, and keeps 32
// bytes of each. Of more than 4,000 queues it takes one every 2 s, of more than 8,000 one
// every 3 s, and so on. It then also knows better how long an item has waited. A queue notes
// the time of few of its items. The others count from when a viewer or a sample first asked.
//
// # Testing
//
// In a testing/synctest bubble a Dashboard that was added to the host samples each second
// of the bubble's time: 600,000 samples in a test of a week, which take several seconds.
// Leave host.Add("dashboard", dash) out of such tests, or set Config.Interval to an hour.
// The page works either way.
//
// # Not for
//
// Alerting, and history beyond an hour but for what a store of jobs keeps: package metrics
// gives the same numbers to Prometheus. Deciding who may see the page. Several processes on one page: each has its
// own.
package dashboard
