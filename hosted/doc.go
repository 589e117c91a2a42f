// Package hosted starts, watches and stops the background work of one program: the Go
// form of .NET's Generic Host and BackgroundService.
//
// # Usage
//
//	func main() {
//		host := hosted.New(hosted.Config{Name: "shop", Logger: slog.Default()})
//		host.Task("warm-cache", warmCache)       // done before what follows starts
//		host.Add("emails", workers)              // any Service, such as channelq.Workers
//		host.Go("poll", poll)                    // a loop that runs until its context is done
//		host.Add("http", hosted.HTTP(server))    // started last, stopped first
//		hosted.Main(host)                        // runs until SIGTERM, then exits
//	}
//
// Services start in the order of registration and stop in reverse order, unless [After]
// says otherwise. Add consumers before the producers that feed them: the producers then
// stop first, and the consumers drain what is there.
//
// A [Service] has a Start that returns when the service is ready, and a Stop that returns
// when it has stopped. [Loop] ([Host.Go]) creates a service from a function that runs until
// its context is done. [Once] ([Host.Task]) creates one from a function that runs once,
// during the start, and [HTTP] from an http.Server. The host uses more methods of a service
// if it has them; they are listed at [Service].
//
// # Guarantees
//
//  1. The order of a life is always the same, whatever began the stop: starting
//     hooks, starts, started hooks, Lifetime.Started; then the request,
//     Lifetime.Stopping and readiness off, drain delay, stopping hooks, stops in
//     reverse order, stopped hooks, Lifetime.Stopped.
//  2. The stop is enforced. Run and Stop return within the shutdown budget even if a
//     service ignores its context. A *[TimeoutError] names each call that did not return,
//     with how long it took and the stacks of exactly the service's own goroutines. A
//     stuck service cannot take the turns of those after it: each keeps a share of the
//     budget, and the service behind a stuck one has a quarter of it. The host waits
//     beyond the budget for no log handler, no print and no error that is asked for its
//     text.
//  3. The start is enforced too. If a start fails, takes too long or is interrupted, the
//     host stops the services that had started, and only those, on a fresh budget.
//  4. A panic, an error or a runtime.Goexit in a service becomes a *[ServiceError] with
//     its name. For a panic and a Goexit, the error has a *[PanicError] with the stack. The
//     [Policy] of the service then says what happens. No other service is touched by
//     accident.
//  5. The error of Run and Stop joins everything that went wrong, root cause first.
//     errors.Is and errors.As reach each part. All callers get the same error.
//  6. The context of a service carries the values of the context that the host was started
//     with, not its end. It is canceled at the service's turn in the stop, with the
//     reason of the stop as its cause. An Enqueue of package channelq that has to wait
//     with that context returns earlier, when the stop begins.
//  7. The host calls Start, Stop, hooks, health checks and loops from goroutines that carry
//     the pprof labels host and service. It holds no lock while it calls a service or asks
//     an error.
//
// # Shutdown
//
// The budget is [Config.ShutdownTimeout], counted from the request, [Config.DrainDelay]
// included. The calls of a stop are a Stop for each service, and the hooks. Every call that
// waits keeps an equal share of a quarter of the budget. The next call keeps another
// quarter. The call whose turn it is may use the rest. Time that a call does not use goes to
// those after it. So the first stuck service has half of the budget or a little more, and
// the service behind it a quarter. If services stop in parallel, only the calls of the
// longest chain count. [Host.StopPlan] says what a stop would wait for.
//
// Choose the budget by the grace that others give:
//
//	Docker      10 s (docker stop)                  ShutdownTimeout 8 s
//	Kubernetes  30 s (terminationGracePeriod)       the default, 25 s
//	systemd     90 s (TimeoutStopSec)               up to 85 s
//
// From inside a service, call [lifecycle.Lifetime.Stop], which does not wait.
//
// # Logging
//
// A service without a logger inherits [Config.Logger]. Before anything starts, the host
// passes it to every service with a method
//
//	InheritLogger(l *slog.Logger)
//
// It finds the method like all optional methods of a [Service], and also on what a service
// has under [Watch] and on each new instance of [Fresh]. The services of this module that
// have a Logger in their configuration have the method, which matters if that Logger is
// nil. To silence one of them, set slog.New(slog.DiscardHandler). The lines name their
// queue, job or group. A component without a logger logs nothing if it has no host, or if
// its host has no logger.
//
// A stop ends with these lines:
//
//   - "service stopped" for each service that had items or runs, with what became of them,
//     or that restarted; for all others at Debug,
//   - "service did not return" or "service left calls behind" for each straggler, which is
//     the only line of Error that a straggler has,
//   - "host stopped".
//
// [Report.String] has the same as a table.
//
// In a service of your own, InheritLogger should keep the logger if there is none yet, and
// do nothing else. The host calls it before Start. Code that may log before that needs an
// atomic pointer or a lock.
//
// # Cost
//
// A loop costs one goroutine, under 1 kB and 10 allocations, and 2 to 4 us for its start
// and stop together. A host itself costs 30 allocations. A service that is not a loop costs
// a goroutine for the duration of each call, and one while it runs if it has a Done method.
// The host takes a goroutine profile only if something did not stop in time or a caller
// asks for it. A program with an HTTP server grows by 0.75 MB, a third of which is the
// runtime's reader of goroutine profiles, and by another 0.4 MB with [TLS].
//
// # Testing
//
// Everything works unchanged in a testing/synctest bubble, where timeouts, backoff and drain
// delay take no time. Package hostedtest runs a host inside a test and checks any Service
// against the contract.
//
// # Not for
//
// Adding and removing services while the host runs: nest a Host instead, which is a
// Service. Constructing objects: write func main. Schedules: add a job of package periodic.
// There is no Host.Every, because this package imports no component: it would be a ticker
// without policies for missed and overlapping runs, without a history, and without a place
// on the dashboard. Work that must survive a crash: see package durable. Work that must run
// on one of several machines: see package leader. Replacing the supervisor of the process: a
// program that fails permanently should exit and be restarted from outside.
package hosted
