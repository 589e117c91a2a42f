package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/otel"
	"github.com/steadgo/stead/otel/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// insert passes a job with that metadata through the middleware, and returns what is
// stored.
func insert(t *testing.T, ctx context.Context, m rivertype.Middleware, metadata string) []byte {
	t.Helper()
	p := &rivertype.JobInsertParams{Metadata: []byte(metadata)}
	_, err := m.(rivertype.JobInsertMiddleware).InsertMany(ctx, []*rivertype.JobInsertParams{p},
		func(context.Context) ([]*rivertype.JobInsertResult, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return p.Metadata
}

func work(t *testing.T, m rivertype.Middleware, metadata []byte, handle func(context.Context) error) error {
	t.Helper()
	job := &rivertype.JobRow{ID: 7, Queue: "emails", Attempt: 2, Metadata: metadata}
	return m.(rivertype.WorkerMiddleware).Work(t.Context(), job, handle)
}

func ok(context.Context) error { return nil }

func TestTheTraceOfAnEnqueueGoesThroughTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		opts    []otel.Option
		follows bool
	}{"linked": {nil, false}, "continued": {[]otel.Option{otel.Continue()}, true}} {
		t.Run(name, func(t *testing.T) {
			exporter := tracetest.NewInMemoryExporter()
			provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
			state, err := trace.ParseTraceState("vendor=1")
			if err != nil {
				t.Fatal(err)
			}
			from := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state})
			m := jobs.Middleware(append(c.opts, otel.TracerProvider(provider))...)
			stored := insert(t, trace.ContextWithSpanContext(t.Context(), from), m, `{"kept":{"a":1}}`)
			var all map[string]json.RawMessage
			if err := json.Unmarshal(stored, &all); err != nil || string(all["kept"]) != `{"a":1}` {
				t.Errorf("stored: %s, %v", stored, err)
			}
			failure := errors.New("mailbox full")
			if err := work(t, m, stored, func(context.Context) error { return failure }); !errors.Is(err, failure) {
				t.Errorf("got %v", err)
			}
			s := exporter.GetSpans()[0]
			origin := s.Parent
			if !c.follows && len(s.Links) == 1 {
				origin = s.Links[0].SpanContext
			}
			if s.Parent.IsValid() != c.follows || origin.TraceID() != from.TraceID() || origin.SpanID() != from.SpanID() || origin.TraceState().String() != "vendor=1" {
				t.Errorf("parent %v, links %v", s.Parent, s.Links)
			}
			if s.Name != "process emails" || s.SpanKind != trace.SpanKindConsumer || s.Status.Code != codes.Error {
				t.Errorf("got %+v", s)
			}
			for _, want := range []attribute.KeyValue{attribute.String("queue", "emails"), attribute.Int("attempt", 2), attribute.String("messaging.message.id", "7")} {
				if !slices.Contains(s.Attributes, want) {
					t.Errorf("the attributes are %v", s.Attributes)
				}
			}
		})
	}
}

func TestAJobWithoutATraceIsWorkedOnAndItsMetadataIsLeftAlone(t *testing.T) {
	for _, metadata := range []string{"", "{}", `{"a":1}`, "no JSON", `{"traceparent":"no trace"}`} {
		exporter := tracetest.NewInMemoryExporter()
		m := jobs.Middleware(otel.TracerProvider(sdk.NewTracerProvider(sdk.WithSyncer(exporter))))
		stored := insert(t, t.Context(), m, metadata)
		if string(stored) != metadata {
			t.Errorf("%q became %q", metadata, stored)
		}
		if err := work(t, m, stored, ok); err != nil {
			t.Error(err)
		}
		if s := exporter.GetSpans()[0]; s.Parent.IsValid() || len(s.Links) > 0 {
			t.Errorf("%q: parent %v, links %v", metadata, s.Parent, s.Links)
		}
	}
}

func TestMetadataThatIsNoObjectIsLeftAlone(t *testing.T) {
	from := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	for _, metadata := range []string{"no JSON", "[1]"} {
		stored := insert(t, trace.ContextWithSpanContext(t.Context(), from), jobs.Middleware(), metadata)
		if string(stored) != metadata {
			t.Errorf("%q became %q", metadata, stored)
		}
	}
}
