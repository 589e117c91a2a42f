// Package stead is the map of the toolkit; it has no code of its own.
//
// Stead is hosted services for Go: it starts, feeds, ticks, coordinates and
// stops the background work of one program. Begin with the program in the README,
// or with go run ./examples/webapp.
//
// # Where to go
//
//   - [github.com/steadgo/stead/hosted]: the Host, which starts services in order
//     and stops them in reverse within a budget that it enforces. Start here.
//   - [github.com/steadgo/stead/channelq]: a bounded queue, workers with retries,
//     and batches, for work that a request should not wait for.
//   - [github.com/steadgo/stead/periodic]: schedules, from "every five minutes" to
//     "the third Tuesday except holidays", and the jobs that follow them.
//   - [github.com/steadgo/stead/periodic/calendar]: holidays and hours in which
//     nothing is to run.
//   - [github.com/steadgo/stead/periodic/filestore]: the last runs of jobs, kept over
//     restarts.
//   - [github.com/steadgo/stead/coordinator]: waiting, by name, until another part
//     is ready.
//   - [github.com/steadgo/stead/scope]: a transaction for each item or run.
//   - [github.com/steadgo/stead/metrics]: all of it in Prometheus.
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
// and metrics and health handlers read them when somebody asks. Nothing is pushed,
// nothing is global.
//
// # Words
//
//	host       the one that starts and stops
//	service    anything that is started and stopped
//	loop       a function that runs until its context ends, as a service
//	task       a function that runs once, during the start
//	leftover   an item that a stop did not have handled
//	straggler  a call that was not back when its time was over
package stead
