package main

import (
	"testing"

	"github.com/riverqueue/river/rivertype"
	"github.com/riverqueue/rivercontrib/otelriver"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/otel"
	"github.com/steadgo/stead/otel/jobs"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// traced returns the spans of one invoice by their names.
func traced(t *testing.T, middleware func(*trace.TracerProvider) rivertype.Middleware, names ...string) map[string]trace.ReadOnlySpan {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	if err := run(t.Context(), provider, middleware(provider)); err != nil {
		t.Fatal(err)
	}
	spans := map[string]trace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		spans[s.Name()] = s
	}
	for _, name := range names {
		if spans[name] == nil {
			t.Fatalf("there is no span %q of %v", name, spans)
		}
	}
	return spans
}

// linked wants the handler's span below that of the job, and that linked to the order.
func linked(t *testing.T, order, work, send trace.ReadOnlySpan) {
	t.Helper()
	if send.Parent().SpanID() != work.SpanContext().SpanID() {
		t.Error("the handler's span is not below that of the job")
	}
	if links := work.Links(); len(links) != 1 || links[0].SpanContext.TraceID() != order.SpanContext().TraceID() {
		t.Errorf("the job is linked to %v and not to the trace of the order", links)
	}
}

func TestASpanOfAHandlerIsBelowThatOfItsJobWhichIsLinkedToThatOfTheEnqueue(t *testing.T) {
	spans := traced(t, func(p *trace.TracerProvider) rivertype.Middleware {
		return otelriver.NewMiddleware(&otelriver.MiddlewareConfig{TracerProvider: p, EnableTracePropagation: true, EnableWorkSpanJobKindSuffix: true})
	}, "order", "river.insert_many", "river.work/invoices", "send")
	if spans["river.insert_many"].Parent().SpanID() != spans["order"].SpanContext().SpanID() {
		t.Error("the insert is not below the order")
	}
	linked(t, spans["order"], spans["river.work/invoices"], spans["send"])
}

func TestTheSpansOfDurableJobsAreNamedAsThoseOfQueues(t *testing.T) {
	spans := traced(t, func(p *trace.TracerProvider) rivertype.Middleware { return jobs.Middleware(otel.TracerProvider(p)) },
		"order", "process invoices", "send")
	linked(t, spans["order"], spans["process invoices"], spans["send"])
}

func TestProgramPrintsTheSpans(t *testing.T) {
	p := program.Command{}.Start(t)
	if code := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`river.work/invoices +trace \w+, 1 links`)
}
