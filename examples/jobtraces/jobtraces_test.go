package main

import (
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestASpanOfAHandlerIsBelowThatOfItsJobWhichIsLinkedToThatOfTheEnqueue(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	if err := run(t.Context(), provider); err != nil {
		t.Fatal(err)
	}
	spans := map[string]trace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		spans[s.Name()] = s
	}
	for _, name := range []string{"order", "river.insert_many", "river.work/invoices", "send"} {
		if spans[name] == nil {
			t.Fatalf("there is no span %q of %v", name, spans)
		}
	}
	order, insert, work, send := spans["order"], spans["river.insert_many"], spans["river.work/invoices"], spans["send"]
	if insert.Parent().SpanID() != order.SpanContext().SpanID() {
		t.Error("the insert is not below the order")
	}
	if send.Parent().SpanID() != work.SpanContext().SpanID() {
		t.Error("the handler's span is not below that of the job")
	}
	if links := work.Links(); len(links) != 1 || links[0].SpanContext.TraceID() != order.SpanContext().TraceID() {
		t.Errorf("the job is linked to %v and not to the trace of the order", links)
	}
}
