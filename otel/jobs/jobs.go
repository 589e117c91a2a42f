// Package jobs traces durable jobs. The trace of an enqueue is kept in the metadata of
// the stored job, as a W3C traceparent and tracestate, and reaches the process that
// works on it.
//
// # Usage
//
//	jobs, err := durable.New(store, durable.Config{Middleware: []rivertype.Middleware{jobs.Middleware()}})
//
// The handlers stay as they are, and so do the items. A job that was enqueued without a
// span, or by a program without this package, is worked on in a trace of its own. The
// attributes are those of package otel, attempt, and messaging.message.id, which is the
// ID of the job. River's own middleware, otelriver, traces more of the engine under
// names of its own: take one of the two.
package jobs

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/otel"
	"github.com/steadgo/stead/otel/internal/spans"
)

// Middleware returns what stores the trace of an enqueue and makes a span of each
// attempt. The options are those of package otel.
func Middleware(opts ...otel.Option) rivertype.Middleware {
	return &middleware{spans.New(false, opts...)}
}

type middleware struct{ spans *spans.Spans }

var (
	_ rivertype.JobInsertMiddleware = (*middleware)(nil)
	_ rivertype.WorkerMiddleware    = (*middleware)(nil)
)

func (*middleware) IsMiddleware() bool { return true }

// propagator is fixed: a job may be worked on by a program that is set up otherwise.
var propagator propagation.TraceContext

func (*middleware) InsertMany(ctx context.Context, many []*rivertype.JobInsertParams, next func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	carried := propagation.MapCarrier{}
	propagator.Inject(ctx, carried)
	if len(carried) > 0 {
		for _, p := range many {
			p.Metadata = with(p.Metadata, carried)
		}
	}
	return next(ctx)
}

// with adds to a JSON object. What is none stays as it is: a job matters more than its
// trace.
func with(metadata []byte, carried propagation.MapCarrier) []byte {
	all := map[string]json.RawMessage{}
	if len(metadata) > 0 && json.Unmarshal(metadata, &all) != nil {
		return metadata
	}
	for key, value := range carried {
		text, err := json.Marshal(value)
		if err != nil {
			return metadata
		}
		all[key] = text
	}
	out, err := json.Marshal(all)
	if err != nil {
		return metadata
	}
	return out
}

func (m *middleware) Work(ctx context.Context, job *rivertype.JobRow, next func(context.Context) error) error {
	return m.spans.Queue(job.Queue).Process(ctx, origin(job.Metadata), next,
		attribute.Int("attempt", job.Attempt), attribute.String("messaging.message.id", strconv.FormatInt(job.ID, 10)))
}

// origin is the span that a job was enqueued in.
func origin(metadata []byte) trace.SpanContext {
	var kept struct {
		Parent string `json:"traceparent"`
		State  string `json:"tracestate"`
	}
	if json.Unmarshal(metadata, &kept) != nil {
		return trace.SpanContext{}
	}
	ctx := propagator.Extract(context.Background(), propagation.MapCarrier{"traceparent": kept.Parent, "tracestate": kept.State})
	return trace.SpanContextFromContext(ctx)
}
