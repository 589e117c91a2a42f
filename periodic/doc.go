// Package periodic runs functions by a schedule: at a fixed rate, with a fixed
// delay, or by the calendar. It is for the recurring work of one process, such as
// warming caches, polling and nightly clean-ups.
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
// A calendar schedule is a cron expression in a time zone. Package
// periodic/calendar excludes holidays and hours from it:
//
//	nightly, err := periodic.Cron("30 2 * * MON-FRI", berlin)
//	holidays, err := calendar.Holidays(berlin, "01-01", "12-25")
//	workNights := periodic.Except(nightly, holidays)
//
// A job makes up for slots that it missed while the process was down if
// [Config].LastRun is set. Package periodic/filestore has a store for it.
//
// A [Scheduler] runs many jobs at the price of one goroutine. A [Ticker] is for
// programs that write the loop themselves:
//
//	for tick := range ticker.Ticks(ctx) {
//		poll(ctx, tick.Scheduled)
//	}
//
// # Guarantees
//
//  1. A slot is a time at which a job is due. Each slot leads to at most one run or
//     is counted in [Skips] with a reason. The exception are slots of a calendar
//     beyond the first thousand of one gap.
//  2. A fixed rate does not drift: slot k is the first slot plus k periods, however
//     late runs begin and however long they take.
//  3. Without [Parallel] no two runs of a job overlap, even if one ignores its
//     timeout.
//  4. After a pause, a suspend, a change of the wall clock or a restart there is
//     one run, or what [Missed] says. There is never an unbounded burst.
//  5. On days when the clocks change, a schedule on a wall clock is due as [Gap]
//     and [Repeat] say. Its next slot is always later than the last one, and is
//     found in bounded time whatever the zone data are.
//  6. A panic or runtime.Goexit of a run ends that run only.
//  7. No run begins after a stop was requested. No run is running when Done is
//     closed, unless the job gave up.
//  8. A schedule, calendar, hook, store, limit or log handler that panics, exits or
//     hangs affects its own job only. The log and Stats name a schedule that hangs.
//
// # Time
//
// Every and After count elapsed time. Setting the wall clock does not affect them.
// Calendar schedules follow the wall clock. If it is set forward, the skipped slots
// are missed slots. If it is set back by at most three hours, slots that have run
// do not run again. If it is set back by more, the schedule restarts from the new
// time. Go's timers stand still while a machine is suspended, so no wait is longer
// than 30 seconds. The end of a suspend is noticed at most that late.
//
// # Shutdown
//
// No run begins after a host was asked to stop, even if the turn of the job comes
// late. With Config.CancelOnStop the contexts of runs are canceled at that moment
// too. Otherwise Stop lets runs finish. It cancels their contexts with cause
// [ErrStopping] a tenth of the remaining time before its deadline, at most a
// second. The error of Stop names the jobs whose runs have not returned at the
// deadline. The report of a host counts all runs, see [Job.Counts].
//
// # Cost
//
// A job at rest in a Scheduler takes under 450 bytes and no goroutine. A job of its
// own takes one goroutine and one timer. A job that has run takes up to 250 bytes
// more. Histograms take 250 bytes and each run of the history 60. A job keeps them
// from the first call of [Job.Stats] on; a job of its own, or with a positive
// History, always does.
//
// A run has a goroutine to itself while it is running. Short runs that are due
// together share a few goroutines, one after the other. A run that locks its thread
// or changes the labels of its goroutine must therefore undo that. The next slot of
// a cron schedule in a time zone takes about 300 ns and no allocation.
//
// # Testing
//
// Everything works unchanged inside a testing/synctest bubble, on the time of the
// bubble. That is the recommended way. [Config.Clock] takes a clock of
// github.com/benbjohnson/clock, for tests that set the wall clock. The Mock of that
// package sleeps a real millisecond per timer that fires and lets other goroutines
// run meanwhile. Outside a bubble that is slow and not deterministic; inside one it
// is fast and exact. docs/clocks.md has the details.
//
// # Not for
//
// Work that must not be lost when the process dies, or that must run on one machine
// of many. For that, durable.Every stores a job for each slot of the same
// schedules.
package periodic
