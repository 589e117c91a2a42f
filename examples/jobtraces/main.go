// Command jobtraces shows durable jobs in OpenTelemetry: River's own middleware for it,
// otelriver, plugs into durable.Config.Middleware. So does that of otel/jobs, whose
// spans are named as those of queues in memory. It enqueues one job in a span, handles
// it, and prints the spans.
//
//	go run ./examples/jobtraces
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/riverqueue/rivercontrib/otelriver"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/hosted"
)

type invoice struct{ Number int }

func main() {
	spans := tracetest.NewInMemoryExporter() // a program has one that sends them somewhere
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	river := otelriver.NewMiddleware(&otelriver.MiddlewareConfig{
		TracerProvider: provider, EnableTracePropagation: true, EnableWorkSpanJobKindSuffix: true,
	})
	if err := run(context.Background(), provider, river); err != nil {
		fmt.Fprintln(os.Stderr, "jobtraces:", err)
		os.Exit(1)
	}
	for _, s := range spans.GetSpans() {
		fmt.Printf("%-20s trace %s, %d links\n", s.Name, s.SpanContext.TraceID(), len(s.Links))
	}
}

// run handles one invoice.
func run(ctx context.Context, provider *trace.TracerProvider, middleware rivertype.Middleware) (err error) {
	dir, err := os.MkdirTemp("", "jobtraces")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return err
	}
	jobs, err := durable.New(store, durable.Config{
		PollInterval: 50 * time.Millisecond,
		Middleware:   []rivertype.Middleware{middleware},
	})
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	invoices, err := durable.NewQueue(jobs, "invoices", func(ctx context.Context, _ invoice) error {
		_, span := provider.Tracer("shop").Start(ctx, "send") // below that of the job
		span.End()
		sent <- nil
		return nil
	}, durable.QueueConfig[invoice]{})
	if err != nil {
		return err
	}
	host := hosted.New(hosted.Config{})
	host.Add("store", hosted.Closer(store))
	host.Task("migrate", func(ctx context.Context) error { return durable.Migrate(ctx, store) })
	host.Add("jobs", jobs)
	if err := host.Start(ctx); err != nil {
		return err
	}
	ctx, span := provider.Tracer("shop").Start(ctx, "order")
	err = invoices.Enqueue(ctx, invoice{7})
	span.End()
	if err == nil {
		select {
		case err = <-sent:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return errors.Join(err, host.Stop(context.WithoutCancel(ctx)))
}
