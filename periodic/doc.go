// Package periodic runs functions by a schedule: at a fixed rate, with a fixed
// delay, or by the calendar. It is for the recurring work of one process: warming
// caches, polling, nightly clean-ups.
//
// # Usage
//
// A [Job] is a hosted service:
//
//	job, err := periodic.New(periodic.Config{
//		Name:       "warm-cache",
//		Schedule:   periodic.Every(5 * time.Minute),
//		RunAtStart: true,
//	}, warm)
//	host.Add("warm-cache", job)
//
// A calendar is a cron expression in a time zone, with what package
// periodic/calendar has taken out if need be:
//
//	nightly, err := periodic.Cron("30 2 * * MON-FRI", berlin)
//	holidays, err := calendar.Holidays(berlin, "01-01", "12-25")
//	workNights := periodic.Except(nightly, holidays)
//
// What was missed while the process was down is made up for with a store for
// [Config].LastRun, such as that of package periodic/filestore.
//
// A [Scheduler] looks after many jobs at the price of one goroutine. A [Ticker] is
// for those who write the loop themselves:
//
//	for tick := range ticker.Ticks(ctx) {
//		poll(ctx, tick.Scheduled)
//	}
//
// # Guarantees
//
//  1. A slot, the time when a job is due, leads to at most one run, or it is
//     counted in [Skips] with a reason, unless it is among the slots of a
//     calendar beyond the first thousand of one gap.
//  2. A fixed rate does not drift: slot k is the first slot plus k periods,
//     however late runs begin and however long they take.
//  3. Without [Parallel] no two runs of a job are on at the same time, not even
//     when one ignores its timeout.
//  4. After a pause, a suspend, a change of the wall clock or a restart there is
//     one run, or what [Missed] says; never a burst without bound.
//  5. A schedule on a wall clock is due on days when the clocks change as [Gap]
//     and [Repeat] say. Its next slot is always later than the last, and is found
//     in bounded time whatever the zone data are.
//  6. A panic or runtime.Goexit of a run ends that run only.
//  7. No run begins once a stop was asked for, and none is on when Done is closed,
//     unless the job gave up.
//  8. A schedule, calendar, hook, store, limit or log handler that panics, exits or
//     hangs concerns its own job alone; a schedule that hangs is named meanwhile.
//
// # Time
//
// Every and After count elapsed time: a wall clock that is set does not touch
// them. Calendars follow the wall clock: set forward, the slots passed over are
// missed slots; set back by up to three hours, slots that were run are not run
// again; set back by more, the schedule begins anew. Go's timers stand still
// while a machine is suspended, so no wait is longer than 30 seconds: that is how
// late the end of a suspend can be noticed.
//
// # Shutdown
//
// From the moment a host is asked to stop no run begins, also of jobs whose turn to
// stop comes late; with Config.CancelOnStop their contexts end then too. Otherwise
// Stop lets a run that is on finish. A tenth of the time before its deadline, at
// most a second, it cancels the run's context with cause [ErrStopping]; what runs
// at the deadline nonetheless is named in the error. The report of a host says what
// became of all runs, see [Job.Counts].
//
// # Cost
//
// A job at rest in a Scheduler takes under 450 bytes and no goroutine; a job of
// its own takes one goroutine and one timer. A job that has run takes up to
// 250 bytes more. Once [Job.Stats] is called, and always for a job on its own or with
// a positive History, there are 250 bytes for histograms and 60 for each run of the
// history as well. A run has a goroutine to
// itself while it is on; short runs that are due together share a few, one after
// the other, so a run that locks its thread or changes the goroutine's labels has
// to undo that. The next slot of a cron schedule in a time zone takes about 300 ns
// and no allocation.
//
// # Testing
//
// Inside a testing/synctest bubble everything works unchanged on the bubble's
// time; that is the recommended way. [Config.Clock] takes a clock of
// github.com/benbjohnson/clock for tests that need to set the wall clock. The Mock
// of that package sleeps a real millisecond per timer that fires and lets other
// goroutines run meanwhile: outside a bubble that is slow and not deterministic,
// inside one it is both fast and exact. docs/clocks.md says more.
//
// # Not for
//
// Work that must not be lost when the process dies, or must run on one machine of
// many: durable.Every makes a job in a store of each slot of the same schedules.
package periodic
