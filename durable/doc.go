// Package durable runs the handlers of channelq on an engine that keeps the items:
// River, on a SQLite file or on PostgreSQL. Its [Jobs] is a hosted service, its
// [Queue] a channelq.Enqueuer. River is not hidden: see [Jobs.Client], and Middleware and
// Hooks of [Config].
//
// # Usage
//
//	store, err := sqlite.Open("jobs.db")          // or postgres.Open(ctx, url)
//	err = durable.Migrate(ctx, store)             // or in a deployment step of its own
//	jobs, err := durable.New(store, durable.Config{})
//	emails, err := durable.NewQueue(jobs, "email", sendEmail, durable.QueueConfig[Email]{})
//	err = durable.Every(emails, "newsletter", schedule, func() Email { ... })
//	host.Add("jobs", jobs)
//	host.Add("http", hosted.HTTP(server))
//	...
//	err = emails.Enqueue(r.Context(), email)
//	_, err = durable.EnqueueTx(ctx, tx, emails, email, durable.Unique("welcome-7"))
//
// Here sendEmail is the func(ctx, Email) error that channelq.NewWorkers takes.
// What changes on the move from memory:
//
//   - An item has to survive JSON: unexported fields vanish, channels and
//     functions are an error of Enqueue.
//   - What is stored outlives the code that wrote it. Keep the json tag of a field that
//     is renamed: without one, what is stored is read as if that field were empty, and
//     nobody is told. A renamed field is lost data. Only a value of a changed type,
//     such as a string where there is a number now, is an error, see below.
//   - A handler runs at least once per item, so it has to be idempotent.
//   - The handler may run in another process, and after a deploy with newer code.
//   - There is no order, but among the jobs of one Key with a KeyLimit of 1.
//   - The values and the deadline of the enqueuer's context do not travel.
//   - Every attempt has a timeout.
//
// A handler runs twice when its process dies, or is cut off from the store, between
// what it did and the note that it did it; when its timeout ended it after the
// effect; and, of course, when it failed halfway. Three ways to be ready for that:
// give the service that it calls a key made of the id of the job, which [Attempt] has
// and which stays the same; write to the store's database in the transaction that
// completes the job, see [CompleteTx]; or write so that a second time changes nothing.
//
// Code that only enqueues need not know of any of this. It holds a
// channelq.Enqueuer[Email], which both kinds of queue are, and the one place that creates
// the queues decides. Code that enqueues with options or in a transaction holds the *[Queue].
//
//	type signUp struct{ mails channelq.Enqueuer[Email] }
//	s := &signUp{mails: emails}
//
// What has to follow a job is enqueued by its handler with [Then], in the
// transaction that completes the job. The code that enqueued a job lets others follow it with
// [After], and many with [EnqueueBatch]. [CompleteTx] completes it in a transaction of the
// handler's own. Metrics and the dashboard find all queues and schedules by the jobs that were
// added to the host.
//
// A Permanent error, a runtime.Goexit, a RetryAfter and a panic mean what they mean
// in channelq. The engine's state of a job is rivertype.JobStateCancelled after a
// permanent failure, and rivertype.JobStateDiscarded after the last attempt. Both stay
// visible, see [Queue.Failures].
//
// # Guarantees
//
//  1. An item whose Enqueue returned nil is handled to its end, by whatever
//     process, or is listed as failed until Config.KeepFailed has passed.
//  2. An item enqueued in a transaction is there if and only if it commits.
//  3. A job whose process died is run again: once its attempt is older than the
//     Config.RescueAfter of that process, and up to 45 s more for another one to look
//     twice. Nobody takes a job from a process that lives.
//  4. A job whose payload cannot be decoded is canceled with the reason and holds up
//     nothing. What no store takes is refused at the call, see [Queue.Enqueue].
//  5. What [Then] enqueues is there if and only if the job is completed, and once.
//     A job with [After] starts once, by the transaction that ends the last job that it
//     follows: of a handler, a rescue, a user of the dashboard, or a program of another
//     version. Triggers on River's table of jobs do that.
//  6. A job of a kind that the process that leads does not know is left alone, not
//     discarded: an older program may lead during a deployment.
//  7. A job that gives up is counted, logged and handed to OnGiveUp, even if its process
//     died in the last attempt.
//  8. A slot of a schedule, of [Every] or of [Schedules], is one job, however many
//     processes know the schedule; slots
//     missed while none ran are made up for by one job, see [Every].
//  9. A stop returns before its deadline.
//  10. A job that is to be canceled begins no further attempt, and its handler hears of
//     it, see [Queue.Cancel]. A queue that is paused stays paused until it is resumed.
//  11. A job begins at most Config.PollInterval and a tenth of it after its time has
//     come, if a worker is free: one that is due at once, in a moment or in an hour, and
//     an attempt after a failure. What is due in more than five seconds also needs a
//     process that leads: 15 s and 5 s more after the last one died.
//  12. A queue with a MaxWaiting refuses an enqueue with channelq.ErrFull; how exact that
//     is for several processes is said there.
//  13. No more jobs of one Key run than its KeyLimit, and no more of a queue than its
//     GlobalLimit, over all processes. The others hold no worker. Those of a process that
//     died count until they are rescued.
//
// # When things break
//
//   - The store is unreachable: the dashboard, a metric and an alert say so, and the
//     readiness of the host where [Jobs.CheckStore] is given to hosted.Health. See
//     [Jobs.Outage].
//   - A process is killed: within a minute the dashboard's overview warns how many jobs
//     it held and when they are freed.
//   - A process is stopped for a while, or cut off from the store, for longer than its
//     Config.RescueAfter: the others run its jobs, and its handlers go on when it does.
//   - Clocks differ: the store's decides when a job is due and which attempt is too old.
//     Only times between two machines, such as Wait in the statistics, are wrong by as
//     much as their clocks are apart.
//   - A payload does not decode after a deploy: the job is canceled, listed as failed
//     with the reason, and kept for Config.KeepFailed. Deploy what can read it, then
//     requeue it.
//   - A payload is huge: up to 16 MiB it works, but each list of jobs reads it too, and
//     all of it is copied with every attempt. Enqueue where it is, not what it is.
//   - The text of an error has bytes that a store refuses: they are replaced. Of a text
//     longer than 16 KiB the beginning is stored.
//   - The store refuses what one job came to: that job is written without it, and no other
//     job waits.
//
// # Shutdown
//
// Stop takes no further jobs, waits until a second before the deadline, cancels the
// handlers that still run and releases their jobs without using an attempt. Register the
// jobs before what enqueues.
//
// # Cost
//
// Enqueue is one insert, about a millisecond; EnqueueAll gives others their turn every
// 50 ms. A process that works asks once a Config.PollInterval, for all its queues, when the
// next job is due. Every process writes a row every 15 seconds to say that it lives, see
// [Jobs.Instances], and the sums of [Queue.History] every two seconds in which jobs ended. A
// job costs this package a goroutine for its handler, a context, and decoding. Where something
// follows it, its end is a few statements more.
//
// # Testing
//
// A handler is a function: call it. One that calls Then or CompleteTx needs the
// context of a running job: durabletest.Run calls it with one and says what was
// queued, without an engine. Code that enqueues and holds a channelq.Enqueuer gets
// a queue in memory. What needs retries or transactions needs the engine, and so a
// file in t.TempDir(): see durable/sqlite. testing/synctest cannot wait for it.
//
// # Not for
//
// Work that may be lost with the process: channelq is a thousand times faster.
// Kinds that only one process declares: crashed jobs are freed by any process that
// works and knows their kind, so call NewQueue for all kinds in at least two processes,
// with a nil handler for the kinds that others handle.
package durable
