package hosting

import (
	"context"

	"github.com/steadgo/stead/hosted"
)

func startStead(names []string) (func() error, error) {
	all := newCrowd(len(names))
	h := hosted.New(hosted.Config{})
	for _, name := range names {
		h.Go(name, all.service)
	}
	return steadUp(h, all)
}

func startSteadReady(names []string) (func() error, error) {
	all := newCrowd(len(names))
	service := func(ctx context.Context) error {
		hosted.Ready(ctx)
		return all.service(ctx)
	}
	h := hosted.New(hosted.Config{})
	for _, name := range names {
		h.Go(name, service, hosted.WaitReady())
	}
	return steadUp(h, all)
}

func steadUp(h *hosted.Host, all *crowd) (func() error, error) {
	if err := h.Start(context.Background()); err != nil {
		return nil, err
	}
	all.up.Wait()
	return func() error { return h.Stop(context.Background()) }, nil
}
