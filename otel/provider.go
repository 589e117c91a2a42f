package otel

import (
	"context"
	"errors"
	"fmt"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/nils"
)

// Provider returns a service whose Stop is p.Shutdown, which exports what has not been
// exported. Add it before the services that are traced: the stop is in reverse order. If
// p is nil, Start returns an error.
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

func (p provider) Start(context.Context) error {
	if nils.Is(p.p) {
		return errors.New("stead/otel: provider: the provider is nil")
	}
	return nil
}

func (p provider) Stop(ctx context.Context) error {
	if nils.Is(p.p) {
		return nil
	}
	if err := p.p.Shutdown(ctx); err != nil {
		return fmt.Errorf("stead/otel: export what is left: %w", err)
	}
	return nil
}
