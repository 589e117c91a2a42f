package otel_test

import (
	"context"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/otel"
)

func TestWhatIsNilIsAnErrorOfTheFirstUse(t *testing.T) {
	none := func(context.Context) error { return nil }
	for name, use := range map[string]func(ctx context.Context) error{
		"Handler":     func(ctx context.Context) error { return otel.Handler[int]("q", nil)(ctx, otel.Carrier[int]{}) },
		"Batch":       func(ctx context.Context) error { return otel.Batch[int]("q", nil)(ctx, nil) },
		"Run":         otel.Run("job", nil),
		"Loop":        otel.Loop("loop", nil),
		"an Option":   otel.Run("job", none, nil),
		"of Loop too": otel.Loop("loop", none, otel.Continue(), nil),
	} {
		if err := use(t.Context()); err == nil || !strings.Contains(err.Error(), "is nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []hosted.Service{otel.Provider(nil), otel.Provider((*sdk.TracerProvider)(nil))} {
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "the provider is nil") {
			t.Errorf("a provider: %v", err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
