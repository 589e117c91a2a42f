package otel

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/otel/internal/spans"
)

// Carrier is an item with the span that was active when it was enqueued. Make it with
// [Carry]. A durable queue keeps the Item alone: package otel/jobs is for those.
type Carrier[T any] struct {
	Item T
	from trace.SpanContext
}

// Carry returns item with the span of ctx, if there is one.
func Carry[T any](ctx context.Context, item T) Carrier[T] {
	return Carrier[T]{Item: item, from: trace.SpanContextFromContext(ctx)}
}

// Handler returns a handler for channelq.NewWorkers that calls handle within a span for
// each attempt. Its trace is a new one, linked to the span that [Carry] found; see
// [Continue].
func Handler[T any](queue string, handle func(ctx context.Context, item T) error, opts ...Option) func(ctx context.Context, c Carrier[T]) error {
	q := spans.New(handle == nil, opts...).Queue(queue)
	return func(ctx context.Context, c Carrier[T]) error {
		return q.Process(ctx, c.from, func(ctx context.Context) error { return handle(ctx, c.Item) })
	}
}

// Batch returns a handler for channelq.NewBatcher that calls handle within a span for
// each batch. Its trace is a new one, linked to the span of each item, whether or not
// [Continue] is set.
func Batch[T any](queue string, handle func(ctx context.Context, items []T) error, opts ...Option) func(ctx context.Context, batch []Carrier[T]) error {
	q := spans.New(handle == nil, opts...).Queue(queue)
	return func(ctx context.Context, batch []Carrier[T]) error {
		items, from := make([]T, len(batch)), make([]trace.SpanContext, len(batch))
		for i, c := range batch {
			items[i], from[i] = c.Item, c.from
		}
		return q.Batch(ctx, from, func(ctx context.Context) error { return handle(ctx, items) })
	}
}

// Run returns a function for periodic.New that calls run within a span, in a trace of
// its own. It serves for one turn of a loop too.
func Run(job string, run func(ctx context.Context) error, opts ...Option) func(ctx context.Context) error {
	s := spans.New(run == nil, opts...)
	return func(ctx context.Context) error { return s.Run(ctx, job, run) }
}

// Loop returns a function for hosted.Host.Go that calls run within a span: one for each
// start of the loop, so that a restart and its reason are seen. The span ends when run
// returns and is exported only then. So the context of run does not have it as the
// parent of others: use [Run] for what the loop does.
func Loop(service string, run func(ctx context.Context) error, opts ...Option) func(ctx context.Context) error {
	s := spans.New(run == nil, opts...)
	return func(ctx context.Context) error { return s.Loop(ctx, service, run) }
}

// Option sets something rare about a wrapper.
type Option = spans.Option

// TracerProvider makes the spans. The default is the global one of OpenTelemetry, even
// if that is set later.
func TracerProvider(p trace.TracerProvider) Option {
	return func(s *spans.Spans) { s.Provider = p }
}

// Continue makes the span of an item a child of the span that enqueued it, in the same
// trace, instead of a trace of its own with a link. A trace then lasts until the item is
// handled, with all retries.
func Continue() Option {
	return func(s *spans.Spans) { s.Continue = true }
}
