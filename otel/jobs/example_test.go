package jobs_test

import (
	"context"
	"fmt"

	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/otel/jobs"
)

// What is stored with a job that is enqueued within a span.
func ExampleMiddleware() {
	m := jobs.Middleware().(rivertype.JobInsertMiddleware)
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	job := &rivertype.JobInsertParams{}
	_, err := m.InsertMany(ctx, []*rivertype.JobInsertParams{job}, func(context.Context) ([]*rivertype.JobInsertResult, error) { return nil, nil })
	fmt.Println(string(job.Metadata), err)
	// Output: {"traceparent":"00-01000000000000000000000000000000-0200000000000000-01"} <nil>
}
