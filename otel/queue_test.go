package otel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/otel"
)

type carrier = otel.Carrier[string]

// handled enqueues items, each in a span of its own, and returns those spans when
// workers with the handler have stopped.
func handled(t *testing.T, r *recorder, cfg channelq.WorkerConfig[carrier], handle func(context.Context, string) error, opts ...otel.Option) trace.SpanContext {
	t.Helper()
	q, err := channelq.New(channelq.Config[carrier]{Name: "emails", Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, otel.Handler("emails", handle, append(opts, r.option())...), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, span := r.Tracer("test").Start(t.Context(), "POST /signup")
	if err := q.Enqueue(ctx, otel.Carry(ctx, "ada")); err != nil {
		t.Fatal(err)
	}
	span.End()
	synctest.Wait()
	time.Sleep(time.Hour) // for retries
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	return span.SpanContext()
}

func TestAnItemIsHandledInATraceLinkedToItsEnqueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		var inside trace.SpanContext
		from := handled(t, r, channelq.WorkerConfig[carrier]{}, func(ctx context.Context, item string) error {
			inside = trace.SpanContextFromContext(ctx)
			if item != "ada" {
				t.Errorf("got %q", item)
			}
			return nil
		})
		span := r.one(t, "process emails")
		if span.Parent.IsValid() || span.SpanContext.TraceID() == from.TraceID() {
			t.Error("it is not in a trace of its own")
		}
		if len(span.Links) != 1 || !span.Links[0].SpanContext.Equal(from) {
			t.Errorf("the links are %v", span.Links)
		}
		if !inside.Equal(span.SpanContext) {
			t.Error("the handler does not see its span")
		}
		if span.SpanKind != trace.SpanKindConsumer || span.Status.Code != codes.Unset {
			t.Errorf("kind %v, status %v", span.SpanKind, span.Status)
		}
		want := []attribute.KeyValue{
			attribute.String("queue", "emails"),
			attribute.String("messaging.system", "stead"),
			attribute.String("messaging.destination.name", "emails"),
			attribute.String("messaging.operation.name", "process"),
			attribute.String("messaging.operation.type", "process"),
		}
		if !slices.Equal(span.Attributes, want) {
			t.Errorf("the attributes are %v", span.Attributes)
		}
	})
}

func TestAnItemIsHandledInTheTraceOfItsEnqueueIfThatContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		from := handled(t, r, channelq.WorkerConfig[carrier]{}, func(context.Context, string) error { return nil }, otel.Continue())
		if span := r.one(t, "process emails"); !span.Parent.Equal(from) || len(span.Links) > 0 {
			t.Errorf("the parent is %v, the links are %v", span.Parent, span.Links)
		}
	})
}

func TestEachAttemptIsASpanAndAnErrorIsItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		attempt := 0
		from := handled(t, r, channelq.WorkerConfig[carrier]{Retry: channelq.Retry{Attempts: 3}}, func(context.Context, string) error {
			if attempt++; attempt == 1 {
				return errors.New("mailbox full")
			}
			return nil
		})
		spans := r.named("process emails")
		if len(spans) != 2 {
			t.Fatalf("%d spans", len(spans))
		}
		if s := spans[0]; s.Status.Code != codes.Error || s.Status.Description != "mailbox full" || len(s.Events) != 1 {
			t.Errorf("the first: %+v, %v", s.Status, s.Events)
		}
		if s := spans[1]; s.Status.Code != codes.Unset || len(s.Events) > 0 || !s.Links[0].SpanContext.Equal(from) {
			t.Errorf("the second: %+v, %v, %v", s.Status, s.Events, s.Links)
		}
	})
}

func TestAPanicAndAGoexitPassAndAreRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(context.Context, string) error
		value  string
		events int
	}{
		"panic":  {func(context.Context, string) error { explode(); return nil }, "boom", 1},
		"goexit": {func(context.Context, string) error { runtime.Goexit(); return nil }, fmt.Sprint(lifecycle.ErrGoexit), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				var failed *lifecycle.PanicError
				handled(t, r, channelq.WorkerConfig[carrier]{OnGiveUp: func(_ context.Context, _ carrier, err error) { errors.As(err, &failed) }}, c.handle)
				if failed == nil || fmt.Sprint(failed.Value) != c.value {
					t.Fatalf("the item failed with %v", failed)
				}
				if name == "panic" && !strings.Contains(string(failed.Stack), "otel_test.explode") {
					t.Errorf("the stack does not say where:\n%s", failed.Stack)
				}
				if s := r.one(t, "process emails"); s.Status.Code != codes.Error || len(s.Events) != c.events {
					t.Errorf("status %v, events %v", s.Status, s.Events)
				}
			})
		})
	}
}

func explode() { panic("boom") }

func TestAnItemWithoutASpanHasATraceOfItsOwn(t *testing.T) {
	r := newRecorder()
	handle := otel.Handler("emails", func(context.Context, string) error { return nil }, r.option())
	ctx, span := r.Tracer("test").Start(t.Context(), "the start of the host")
	defer span.End()
	if err := handle(ctx, otel.Carry(t.Context(), "ada")); err != nil {
		t.Fatal(err)
	}
	if s := r.one(t, "process emails"); s.Parent.IsValid() || len(s.Links) > 0 {
		t.Errorf("the parent is %v, the links are %v", s.Parent, s.Links)
	}
}

func TestABatchIsLinkedToTheEnqueueOfEachItem(t *testing.T) {
	r := newRecorder()
	var got []string
	handle := otel.Batch("events", func(_ context.Context, items []string) error { got = items; return nil }, r.option(), otel.Continue())
	batch := []carrier{otel.Carry(t.Context(), "no span")}
	var from []trace.SpanContext
	for _, item := range []string{"a", "b"} {
		ctx, span := r.Tracer("test").Start(t.Context(), item)
		batch, from = append(batch, otel.Carry(ctx, item)), append(from, span.SpanContext())
		span.End()
	}
	if err := handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"no span", "a", "b"}) {
		t.Errorf("the items are %q", got)
	}
	span := r.one(t, "process events")
	if span.Parent.IsValid() || len(span.Links) != 2 || !span.Links[0].SpanContext.Equal(from[0]) || !span.Links[1].SpanContext.Equal(from[1]) {
		t.Errorf("the parent is %v, the links are %v", span.Parent, span.Links)
	}
	if !has(span, attribute.Int("messaging.batch.message_count", 3)) {
		t.Errorf("the attributes are %v", span.Attributes)
	}
}

func has(s tracetest.SpanStub, want attribute.KeyValue) bool {
	return slices.Contains(s.Attributes, want)
}

func BenchmarkHandler(b *testing.B) {
	work := func(context.Context, string) error { return nil }
	b.Run("without SDK", func(b *testing.B) {
		handle := otel.Handler("emails", work)
		for b.Loop() {
			_ = handle(b.Context(), otel.Carry(b.Context(), "ada"))
		}
	})
	b.Run("with SDK", func(b *testing.B) {
		r := newRecorder()
		handle := otel.Handler("emails", work, r.option())
		for b.Loop() {
			_ = handle(b.Context(), otel.Carry(b.Context(), "ada"))
			r.exporter.Reset()
		}
	})
}
