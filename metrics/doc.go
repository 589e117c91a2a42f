// Package metrics exposes a host, its services, queues, jobs and leader-only services to
// Prometheus.
//
// # Usage
//
//	registry := prometheus.NewRegistry()
//	registry.MustRegister(metrics.NewCollector(host))
//	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
//
// The collector finds everything that is added to the host: queues by their workers and
// batchers, jobs, schedulers with all their jobs, the queues and schedules of durable
// jobs, and the same of nested hosts, eight deep. A queue that is read by hand is found if
// its service was added with hosted.Watch(queue).
//
// A name in a nested host is prefixed with the name of that host's service: service,
// queue and job emails in the host that was added as plugins are all plugins/emails. Two
// queues of one name in two hosts are therefore two series. A queue that services of
// several hosts use is one series, with its name in the outermost host. The group of a
// leader has no prefix, because it is the same in all processes.
//
// # Metrics
//
// Names begin with stead_. The label service, queue or job is the name in logs and errors.
// Times are in seconds.
//
// Metrics describe this process; sum them over several processes. The exception is
// stead_durable_, which describes the store that the processes share. Each process
// reports the same values, so use the maximum and never the sum. Only
// stead_durable_store_up describes the process. A count that is older than a minute is
// absent.
//
//	stead_service_state{service,state}            1 for the current state, 0 for the others
//	stead_service_restarts_total{service}
//	stead_service_panics_total{service}
//	stead_service_start_duration_seconds{service} of the last start, stop likewise
//	stead_queue_in_progress{queue}, _workers
//	stead_queue_depth{queue}, _parked             not of a durable queue: see stead_durable_jobs
//	stead_queue_capacity{queue}, _high_water      not of a durable queue, which has none
//	stead_queue_accepted_total{queue}
//	stead_queue_handled_total{queue,outcome}      succeeded, gave_up, skipped, coalesced, taken_by_hand, leftover
//	stead_queue_dropped_total{queue,reason}       oldest, newest: accepted and lost later
//	stead_queue_refused_total{queue,reason}       full, write, closed, cancelled: never accepted
//	stead_queue_retries_total{queue}, stead_queue_panics_total{queue}
//	stead_queue_wait_seconds{queue}               histogram, of one item in 64; see NativeHistograms
//	stead_queue_handle_duration_seconds{queue}    histogram, of one attempt in 64
//	stead_queue_oldest_due_timestamp_seconds{queue}   not of a durable queue
//	stead_durable_jobs{queue,state}               in the store; of many completed ones an estimate
//	stead_durable_oldest_due_timestamp_seconds{queue}
//	stead_durable_counted_timestamp_seconds{queue}    when this process counted last
//	stead_durable_schedule_last_run_timestamp_seconds{schedule}, _last_success_, _next_run_
//	stead_durable_store_up{service}               1, or 0 while the store does not answer this process
//	stead_job_runs_total{job,outcome}             succeeded, failed, panicked, timed_out, canceled
//	stead_job_skipped_total{job,reason}           overlap, missed, paused, stopped
//	stead_job_last_run_timestamp_seconds{job}, _last_success_, _next_run_   not of a durable schedule
//	stead_job_run_duration_seconds{job}, stead_job_lateness_seconds{job}   histograms
//	stead_leader{group}                           1 if this process leads, 0 if it follows
//	stead_leader_store_up{group}                  1, or 0 since the store of the leases does not answer
//	stead_leader_transitions_total{group}
//	stead_build_info{version,goversion}           1
//
// Prometheus uses the label job for the scraped target too. It keeps its own and renames
// this one to exported_job, unless the scrape configuration says honor_labels: true. The
// alerts in deploy/prometheus and the dashboard in deploy/grafana use exported_job.
//
// # Guarantees
//
//  1. Nothing is counted twice and nothing is pushed. All numbers are read from the Stats
//     of the components during the scrape. Between scrapes the package does nothing.
//  2. When a queue in memory is at rest, stead_queue_accepted_total is the sum of all
//     outcomes of stead_queue_handled_total, all reasons of
//     stead_queue_dropped_total, and the depth, in progress and parked gauges.
//  3. Every label value listed above exists from the start, at 0, so that a rate
//     sees the first event.
//  4. A timestamp without a meaning yet is absent and not 0.
//  5. No component fails the scrape. If a component panics, only its own series are
//     absent. A name that is not UTF-8 has U+FFFD in it. A name that is taken, such as a
//     service outer/inner beside that of a nested host, gets a trailing '.
//  6. Different things are never summed: a queue with many consumers is counted once, and
//     two queues are never one series.
//
// There are timestamps instead of ages. An age is wrong by the time it is read, and it
// stops growing if a program hangs. Alert on time() minus the timestamp.
//
// # Cost
//
// Items cost nothing: no allocation, no clock read, no lock. A scrape of 1,000 queues, each with its service some 34,000 series, takes
// the collector 7 ms and the registry 25 ms in all, 45 ms with the text over HTTP,
// on two cores (go test -bench 1000Queues ./metrics). It reads atomic counters.
//
// # Testing
//
// A Collector needs no server. Register it with a registry of the test and read the
// result of Gather, as the examples do. The alerts in deploy/prometheus have test cases
// for promtool beside them; copy and change both together.
//
// # Not for
//
// The fate of one item, or its reason: see the logs and the dashboard. Metrics of your own:
// register them beside the collector. Programs without Prometheus: use Host.Services and
// the Stats of queues and jobs, which the collector reads too.
package metrics
