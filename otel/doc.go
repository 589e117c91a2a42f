// Package otel traces what the components of Stead do with OpenTelemetry: a span for
// each attempt at an item, each batch, each run of a schedule and each life of a loop.
//
// # Usage
//
// A queue whose items carry the trace of their Enqueue holds [Carrier] values:
//
//	emails, err := channelq.New(channelq.Config[otel.Carrier[Email]]{Name: "emails", Capacity: 100})
//	senders, err := channelq.NewWorkers(emails, otel.Handler("emails", send), channelq.WorkerConfig[otel.Carrier[Email]]{})
//	err = emails.Enqueue(r.Context(), otel.Carry(r.Context(), email)) // in a handler of net/http
//
// Runs and loops are wrapped where they are given away:
//
//	job, err := periodic.New(periodic.Config{Name: "warm-cache", Schedule: every}, otel.Run("warm-cache", warm))
//	host.Go("poller", otel.Loop("poller", poll))
//
// Add the provider first: it is stopped last, and exports what is left.
//
//	host.Add("traces", otel.Provider(provider))
//
// Package otel/jobs has the same for package durable.
//
// # Spans
//
//	process QUEUE   consumer   of Handler and Batch; root, with a link to the span of each Carry
//	run JOB         internal   of Run; root
//	loop SERVICE    internal   of Loop, from its start to its return; what it calls is not below it
//
// The attributes queue, job and service are named as the labels of package metrics.
// Spans of queues have those of the semantic conventions for messaging too:
// messaging.system (stead), messaging.destination.name, messaging.operation.name and
// messaging.operation.type (process), and messaging.batch.message_count.
//
// A handler that returns an error, panics or ends its goroutine has a span with status
// Error. periodic.ErrAgain is none, nor is what a loop returns after its context is
// done.
//
// # Metrics
//
// Those of package metrics reach an OpenTelemetry pipeline over the bridge
// go.opentelemetry.io/contrib/bridges/prometheus:
//
//	registry.MustRegister(metrics.NewCollector(host))
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(prometheus.NewMetricProducer(prometheus.WithGatherer(registry))))
//
// # Guarantees
//
//  1. An error, a panic and a runtime.Goexit pass through as they are.
//  2. An item that was enqueued without a span is handled in a trace of its own.
//  3. Nothing is recorded of an item but the name of its queue.
//
// # Cost
//
// Without an SDK a handler costs some 400 ns and 4 allocations more, and with one that
// samples the trace 3 us and 11 (go test -bench Handler ./otel). A program that does not import this package has nothing of it: it
// is a module of its own.
package otel
