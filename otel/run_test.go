package otel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/otel"
	"github.com/steadgo/stead/periodic"
)

func TestARunIsASpanInATraceOfItsOwn(t *testing.T) {
	failure := errors.New("no such table")
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"succeeded":      {nil, codes.Unset},
		"there is more":  {periodic.ErrAgain, codes.Unset},
		"there is more.": {fmt.Errorf("polled: %w", periodic.ErrAgain), codes.Unset},
		"failed":         {failure, codes.Error},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder()
			ctx, outer := r.Tracer("test").Start(t.Context(), "outer")
			defer outer.End()
			var inside trace.SpanContext
			run := otel.Run("poll", func(ctx context.Context) error { inside = trace.SpanContextFromContext(ctx); return c.err }, r.option())
			if err := run(ctx); !errors.Is(err, c.err) {
				t.Errorf("got %v", err)
			}
			s := r.one(t, "run poll")
			if s.Parent.IsValid() || !inside.Equal(s.SpanContext) || !has(s, attribute.String("job", "poll")) {
				t.Errorf("got %+v", s)
			}
			if s.Status.Code != c.want {
				t.Errorf("the status is %v", s.Status)
			}
		})
	}
}

func TestALoopHasASpanForEachStartAndIsNoParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		host := hosted.New(hosted.Config{})
		starts := 0
		host.Go("poller", otel.Loop("poller", func(ctx context.Context) error {
			if trace.SpanContextFromContext(ctx).IsValid() {
				t.Error("what the loop does would be below a span that does not end")
			}
			if starts++; starts == 1 {
				return errors.New("connection refused")
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}, r.option()), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := host.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		spans := r.named("loop poller")
		if len(spans) != 2 {
			t.Fatalf("%d spans", len(spans))
		}
		if s := spans[0]; s.Status.Description != "connection refused" || !has(s, attribute.String("service", "poller")) {
			t.Errorf("the first: %+v", s)
		}
		if s := spans[1]; s.Status.Code != codes.Unset {
			t.Errorf("a stop is no error: %v", s.Status)
		}
	})
}

func TestTheStopExportsWhatIsLeft(t *testing.T) {
	e := &kept{InMemoryExporter: tracetest.NewInMemoryExporter()}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(e))
	host := hosted.New(hosted.Config{})
	host.Add("traces", otel.Provider(provider))
	host.Go("poller", otel.Loop("poller", func(ctx context.Context) error { <-ctx.Done(); return nil }, otel.TracerProvider(provider)))
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := host.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.n != 1 {
		t.Errorf("%d spans were exported", e.n)
	}
}

// kept counts spans: the exporter forgets them at its shutdown.
type kept struct {
	*tracetest.InMemoryExporter

	n int
}

func (k *kept) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	k.n += len(spans)
	return k.InMemoryExporter.ExportSpans(ctx, spans)
}

func TestAnExportThatFailsAtTheStopIsAnErrorOfIt(t *testing.T) {
	failure := errors.New("collector away")
	if err := otel.Provider(broken{failure}).Stop(t.Context()); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}

type broken struct{ err error }

func (b broken) Shutdown(context.Context) error { return b.err }
