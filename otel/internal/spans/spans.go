// Package spans makes the spans of package otel and its folders.
package spans

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/periodic"
)

// Spans makes spans as its options say.
type Spans struct {
	Provider trace.TracerProvider // if nil, the global one
	Continue bool                 // an item is handled in the trace that enqueued it

	tracer trace.Tracer
	misuse error // of New, which has no error to return
}

// Option sets a field.
type Option func(*Spans)

// New applies the options. If one is nil, or noFunction is set, each call of the spans
// returns an error.
func New(noFunction bool, opts ...Option) *Spans {
	s := &Spans{}
	if noFunction {
		s.misuse = errors.New("stead/otel: the function to call is nil")
	}
	for _, opt := range opts {
		if opt == nil {
			s.misuse = errors.New("stead/otel: an Option is nil")
			continue
		}
		opt(s)
	}
	if s.Provider == nil {
		s.Provider = otel.GetTracerProvider() // it passes on what is set later
	}
	s.tracer = s.Provider.Tracer("github.com/steadgo/stead/otel")
	return s
}

// Queue is what the spans of one queue have in common.
type Queue struct {
	spans *Spans
	name  string
	usual []trace.SpanStartOption
}

// Queue returns it for the queue of that name. The attributes are the label of the
// metrics, then what the semantic conventions ask of a span that processes messages.
func (s *Spans) Queue(name string) *Queue {
	return &Queue{s, "process " + name, []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("queue", name),
		attribute.String("messaging.system", "stead"),
		attribute.String("messaging.destination.name", name),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.operation.type", "process"),
	)}}
}

// Process calls f for an item that was enqueued in the span from, if that is valid.
func (q *Queue) Process(ctx context.Context, from trace.SpanContext, f func(context.Context) error, more ...attribute.KeyValue) error {
	if q.spans.misuse != nil {
		return q.spans.misuse
	}
	opts := append(make([]trace.SpanStartOption, 0, len(q.usual)+3), q.usual...)
	if q.spans.Continue && from.IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, from)
	} else {
		opts = append(opts, trace.WithNewRoot())
		if from.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: from}))
		}
	}
	if len(more) > 0 {
		opts = append(opts, trace.WithAttributes(more...))
	}
	ctx, span := q.spans.tracer.Start(ctx, q.name, opts...) //nolint:spancheck // within ends it, here and below
	return within(ctx, span, f, nil)                        //nolint:spancheck // as above
}

// Batch calls f for items that were enqueued in those spans.
func (q *Queue) Batch(ctx context.Context, from []trace.SpanContext, f func(context.Context) error) error {
	if q.spans.misuse != nil {
		return q.spans.misuse
	}
	var links []trace.Link
	for _, c := range from {
		if c.IsValid() {
			links = append(links, trace.Link{SpanContext: c})
		}
	}
	ctx, span := q.spans.tracer.Start(ctx, q.name, append(slices.Clip(q.usual), trace.WithNewRoot(), trace.WithLinks(links...), //nolint:spancheck // as above
		trace.WithAttributes(attribute.Int("messaging.batch.message_count", len(from))))...)
	return within(ctx, span, f, nil) //nolint:spancheck // as above
}

// Run calls run for a job.
func (s *Spans) Run(ctx context.Context, job string, run func(context.Context) error) error {
	if s.misuse != nil {
		return s.misuse
	}
	ctx, span := s.tracer.Start(ctx, "run "+job, trace.WithNewRoot(), trace.WithAttributes(attribute.String("job", job))) //nolint:spancheck // as above
	return within(ctx, span, run, func(err error) bool { return errors.Is(err, periodic.ErrAgain) })                      //nolint:spancheck // as above
}

// Loop calls run for a service. Its context is without the span.
func (s *Spans) Loop(ctx context.Context, service string, run func(context.Context) error) error {
	if s.misuse != nil {
		return s.misuse
	}
	_, span := s.tracer.Start(ctx, "loop "+service, trace.WithNewRoot(), trace.WithAttributes(attribute.String("service", service))) //nolint:spancheck // as above
	return within(ctx, span, run, func(err error) bool {                                                                             //nolint:spancheck // as above
		return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
	})
}

// within ends span when f has returned. An error that fine holds to be none is not recorded;
// fine may be nil.
func within(ctx context.Context, span trace.Span, f func(context.Context) error, fine func(error) bool) (err error) {
	defer span.End() // itself deferred: so the SDK sees a panic and records it
	returned := false
	defer func() {
		switch {
		case !returned:
			span.SetStatus(codes.Error, "a panic or a runtime.Goexit")
		case err != nil && (fine == nil || !fine(err)):
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
	}()
	err = f(ctx)
	returned = true
	return err
}
