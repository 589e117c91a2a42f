package otel_test

import (
	"context"
	"fmt"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/otel"
)

// A mail is sent in a trace that leads back to the request that asked for it.
func Example() {
	spans := tracetest.NewInMemoryExporter() // yours: otlptracehttp, for example
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))

	type email = otel.Carrier[string]
	emails, err := channelq.New(channelq.Config[email]{Name: "emails", Capacity: 100})
	if err != nil {
		panic(err)
	}
	send := func(context.Context, string) error { return nil }
	senders, err := channelq.NewWorkers(emails, otel.Handler("emails", send, otel.TracerProvider(provider)), channelq.WorkerConfig[email]{})
	if err != nil {
		panic(err)
	}
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Add("traces", otel.Provider(provider)) // before what is traced
	host.Add("emails", senders)
	host.Go("sign-up", func(ctx context.Context) error { // in your program a handler of net/http
		ctx, span := provider.Tracer("shop").Start(ctx, "POST /signup")
		defer span.End()
		return emails.Enqueue(ctx, otel.Carry(ctx, "ada@example.com"))
	})
	fmt.Println(host.Run(context.Background()))
	// Output: <nil>
}

// The item is in the carrier, with the span that was active.
func ExampleCarrier() {
	c := otel.Carry(context.Background(), "ada@example.com")
	fmt.Println(c.Item)
	// Output: ada@example.com
}

// One trace from the request to the mail, instead of two that are linked.
func ExampleOption() {
	send := func(_ context.Context, to string) error { fmt.Println("sent to", to); return nil }
	handle := otel.Handler("emails", send, otel.Continue())
	fmt.Println(handle(context.Background(), otel.Carry(context.Background(), "ada@example.com")))
	// Output:
	// sent to ada@example.com
	// <nil>
}
