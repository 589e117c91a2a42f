// Package hosted starts, watches and stops the background work of one program:
// the Go form of .NET's Generic Host and BackgroundService.
//
// # Usage
//
//	func main() {
//		host := hosted.New(hosted.Config{Name: "shop", Logger: slog.Default()})
//		host.Task("warm-cache", warmCache)       // done before what follows starts
//		host.Add("emails", workers)              // any Service, such as channelq.Workers
//		host.Go("poll", poll)                    // a loop that runs until its context ends
//		host.Add("http", hosted.HTTP(server))    // started last, stopped first
//		hosted.Main(host)                        // runs until SIGTERM, then exits
//	}
//
// Services start in the order in which they were added and stop in reverse;
// [After] says otherwise. Add consumers before the producers that feed them: at
// the stop the producers then end first, and the consumers drain what is there.
//
// A [Service] has a Start that returns when it is ready and a Stop that returns
// when it has ended. A function that runs until its context ends is made one by
// [Loop] ([Host.Go]), something to do once by [Once] ([Host.Task]), an
// http.Server by [HTTP]. A service may have more methods that the host makes use
// of; they are listed at [Service].
//
// # Guarantees
//
//  1. The order of a life is always the same, whatever began the stop: starting
//     hooks, starts, started hooks, Lifetime.Started; then the request,
//     Lifetime.Stopping and readiness off, drain delay, stopping hooks, stops in
//     reverse, stopped hooks, Lifetime.Stopped.
//  2. Stop is enforced. Run and Stop return within the shutdown budget even if a
//     service ignores its context; what did not return is named in a
//     *[TimeoutError] with the call, how long it took and the stacks of exactly
//     its own goroutines. Those stuck early cannot take the turn of those after
//     them: each keeps a share of the budget, and whoever comes behind one that
//     is stuck has a quarter of it. No log handler, no print and no error that is
//     asked for its text is waited for beyond it.
//  3. Start is enforced likewise. A start that fails, takes too long or is
//     interrupted stops what had started, and only that, on a fresh budget.
//  4. A panic, an error or a runtime.Goexit in a service becomes a
//     *[ServiceError] with its name, and for the first and last a *[PanicError]
//     with the stack. What happens then is the service's own [Policy]; no other
//     service is touched by accident.
//  5. The error of Run and Stop joins everything that went wrong, the root cause
//     first, and errors.Is and errors.As reach each part. All callers get the
//     same.
//  6. A service's context carries the values of the context that the host was
//     started with, never its end. It ends when it is the service's turn, with
//     the reason of the stop as its cause. An Enqueue of package channelq that has to
//     wait with it ends earlier, when the stop begins.
//  7. The host calls a service's Start, Stop, hooks, health check and loop from
//     goroutines that carry the pprof labels host and service, and holds no lock
//     while it does, nor while it asks an error.
//
// # Shutdown
//
// The budget is [Config.ShutdownTimeout], counted from the request and with
// [Config.DrainDelay] in it. With N calls to make (a Stop for each service, and
// the hooks), every call that waits keeps an equal share of a quarter of the budget,
// the next one keeps another quarter, and the one whose turn it is may use all the
// rest; what it does not use flows on. So the first that is stuck has half of the
// budget or a little more, and the service behind it a quarter. Side by side, N is
// the longest chain. What others pay for as grace, to choose the budget by:
//
//	Docker      10 s (docker stop)                  ShutdownTimeout 8 s
//	Kubernetes  30 s (terminationGracePeriod)       the default, 25 s
//	systemd     90 s (TimeoutStopSec)               up to 85 s
//
// From inside a service call [lifecycle.Lifetime.Stop], which does not wait.
//
// # Logging
//
// A service that has no logger of its own inherits [Config.Logger]: before
// anything is started the host hands it to every service with a method
//
//	InheritLogger(l *slog.Logger)
//
// found as all of the optional methods of a [Service], to what a service has
// under [Watch], and to each new instance of [Fresh]. The services of this module
// that have a Logger in their configuration have the method: it matters when that
// Logger is nil, and slog.New(slog.DiscardHandler) there silences the one. The
// lines name their queue, job or group. Used without a host, or with one that has
// no logger, a component without a logger discards.
//
// A stop ends with "service stopped" for each service that had items or runs, with
// what became of them, or was restarted (for all others at the level Debug),
// "service did not return" or "service left calls behind" for each straggler, the one
// line of Error that it gets, and "host stopped". The same as a table is
// [Report.String].
//
// In a service of your own, let the method keep the logger if there is none yet,
// and do nothing else. Start comes after it, and so does what Start starts; what
// can log before that needs an atomic pointer or a lock.
//
// # Cost
//
// A loop costs one goroutine, under 1 kB and 10 allocations, and 2 to 4 us for its
// start and stop together; a host itself, 30 allocations. A service that is not a loop costs a goroutine for
// the moment of each call, and one while it runs if it has a Done method. A
// goroutine profile is taken only if something did not stop in time or somebody
// asks for it.
//
// # Testing
//
// Everything works unchanged in a bubble of testing/synctest, where timeouts,
// backoff and drain delay take no time. Package hostedtest runs a host inside a
// test and checks any Service against the contract.
//
// # Not for
//
// Adding and removing services while running (nest a Host instead: it is a
// Service), constructing objects (write func main), work that must survive a
// crash (see package durable) or run on one of several machines (see package
// leader), and replacing the supervisor of the process: a program that fails for
// good should end and be restarted from outside.
package hosted
