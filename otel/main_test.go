package otel_test

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder has a provider whose spans it keeps.
type recorder struct {
	*sdk.TracerProvider

	exporter *tracetest.InMemoryExporter
}

func newRecorder() *recorder {
	e := tracetest.NewInMemoryExporter()
	return &recorder{sdk.NewTracerProvider(sdk.WithSyncer(e)), e}
}

func (r *recorder) option() otel.Option { return otel.TracerProvider(r.TracerProvider) }

// named returns the spans of a name that have ended, in the order of their ends.
func (r *recorder) named(name string) (found tracetest.SpanStubs) {
	for _, s := range r.exporter.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// one returns the only span of a name.
func (r *recorder) one(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	found := r.named(name)
	if len(found) != 1 {
		t.Fatalf("%d spans are called %q", len(found), name)
	}
	return found[0]
}
