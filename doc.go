// Package stead is the map of the toolkit; it has no code of its own.
//
// Stead runs the background work of a Go program: it starts services in order, gives
// them queues and schedules, and stops them within a deadline. Begin with the program
// in the README, or with go run ./examples/webapp -demo in a clone.
//
// # Where to go
//
//   - [github.com/steadgo/stead/hosted]: the Host, which starts services in order
//     and stops them in reverse within a budget that it enforces. Start here.
//   - [github.com/steadgo/stead/channelq]: a bounded queue, workers with retries,
//     and batches, for work that a request should not wait for.
//   - [github.com/steadgo/stead/channelq/spool]: items that a stop left over, read
//     back at the next start.
//   - [github.com/steadgo/stead/periodic]: schedules, from "every five minutes" to
//     "the third Tuesday except holidays", and the jobs that follow them.
//   - [github.com/steadgo/stead/periodic/calendar]: holidays and hours in which
//     nothing is to run.
//   - [github.com/steadgo/stead/periodic/filestore]: the last runs of jobs, kept over
//     restarts.
//   - [github.com/steadgo/stead/coordinator]: waiting, by name, until another part
//     is ready.
//   - [github.com/steadgo/stead/scope]: a transaction for each item or run.
//   - [github.com/steadgo/stead/metrics]: all of it in Prometheus. A module of its
//     own.
//   - [github.com/steadgo/stead/otel]: traces of items, runs and loops with
//     OpenTelemetry. A module of its own.
//   - [github.com/steadgo/stead/dashboard]: all of it on a live page, with actions.
//   - [github.com/steadgo/stead/durable]: the same handlers on River, for jobs that
//     must survive a crash. A module of its own.
//   - [github.com/steadgo/stead/leader]: a service or a critical section on one
//     machine of many. A module of its own.
//   - [github.com/steadgo/stead/lifecycle]: states, signals and panics as errors.
//   - [github.com/steadgo/stead/lifecycle/systemd]: readiness and the watchdog under
//     systemd.
//   - [github.com/steadgo/stead/lifecycle/winsvc]: a host as a Windows service.
//   - [github.com/steadgo/stead/hosted/hostedtest]: a host in a test, and the rules
//     that every service keeps, as tests for yours.
//
// # How they fit together
//
// A component is a Service: Start(ctx) error and Stop(ctx) error. The host knows
// no more of it, and the components know nothing of the host; each works alone.
// Numbers flow the other way: a component has Stats, the host lists its services,
// and metrics and health handlers read them when asked. Nothing is pushed,
// nothing is global.
//
// # Words
//
// The same words in code, documentation, logs, metrics and on the dashboard:
//
//	host        starts and stops services
//	service     anything that is started and stopped
//	loop        a function that runs until its context is done, as a service
//	task        a function that runs once, during the start
//	stop        the end of a host, from the request to the result
//	budget      the time for a stop, Config.ShutdownTimeout
//	drain       to finish what was accepted before the stop
//	turn        the part of a stop in which one service stops
//	straggler   a call that did not return in time
//	item        a value in a queue
//	worker      a goroutine that handles items
//	attempt     one call of a handler for an item
//	retry       an attempt after a failed one; until then the item is retrying
//	parked      of an item: holds no worker, because it is retrying or waits for its key
//	gave up     of an item: failed at its last attempt
//	leftover    an item that was not handled when the stop ended
//	job         an item in a durable queue, or a function with a schedule
//	schedule    the rule that says when a job is due
//	slot        one time at which a schedule is due
//	run         one execution of a scheduled job
//	trigger     to request a run now
//	counts      how many items or runs ended in which way
//
// An item ends as handled, gave up, skipped, dropped, coalesced, leftover or discarded. A
// failed or stored item can be requeued, discarded or canceled.
package stead
