package otel

import (
	"context"
	"fmt"

	"github.com/steadgo/stead/hosted"
)

// Provider returns a service whose Stop is p.Shutdown, which exports what has not been
// exported. Add it before the services that are traced: the stop is in reverse order.
func Provider(p interface {
	Shutdown(ctx context.Context) error
},
) hosted.Service {
	return provider{p}
}

type provider struct {
	p interface {
		Shutdown(ctx context.Context) error
	}
}

func (provider) Start(context.Context) error { return nil }

func (p provider) Stop(ctx context.Context) error {
	if err := p.p.Shutdown(ctx); err != nil {
		return fmt.Errorf("stead/otel: export what is left: %w", err)
	}
	return nil
}
