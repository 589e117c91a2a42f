package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
)

type product struct {
	Name  string `json:"name"`
	Price string `json:"price"`
}

// catalogue is all products as they were at one moment.
type catalogue struct {
	Products []product `json:"products"`
	AsOf     time.Time `json:"as_of"`
}

// origin is where the products come from: another system that takes its time.
type origin struct {
	calls    atomic.Int64
	takes    time.Duration
	failRate float64
}

func newOrigin(failRate float64) *origin {
	return &origin{takes: 500 * time.Millisecond, failRate: failRate}
}

func (o *origin) fetch(ctx context.Context) ([]product, error) {
	o.calls.Add(1)
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if rand.Float64() < o.failRate {
		return nil, errors.New("the product system is made to fail by -fail-rate")
	}
	return []product{{"Tent for two", "€ 189"}, {"Sleeping bag", "€ 79"}, {"Stove", "€ 45"}, {"Head torch", "€ 29"}}, nil
}

const (
	freshFor   = 90 * time.Second // longer than the job's period: only if the job has failed does a visitor ask
	oldAfter   = 5 * time.Minute  // about as many failed refreshes
	fetchBound = 5 * time.Second
)

// products is the cache. Who finds it out of date gets the old products, which are
// better than none, and asks for new ones. A thousand may ask and want one fetch: the
// queue coalesces the others.
type products struct {
	origin *origin
	cached atomic.Pointer[catalogue]
	asked  *channelq.Queue[string]
	log    *slog.Logger
}

func newProducts(o *origin, log *slog.Logger) *products {
	return &products{origin: o, log: log, asked: cli.Must(channelq.New(channelq.Config[string]{
		Name: "refreshes", Capacity: 10, Coalesce: func(what string) string { return what },
	}))}
}

// refresher does what visitors ask for.
func (p *products) refresher() *channelq.Workers[string] {
	return cli.Must(channelq.NewWorkers(p.asked, func(ctx context.Context, _ string) error {
		if p.fresh() { // another fetch was quicker
			return nil
		}
		return p.refresh(ctx)
	}, channelq.WorkerConfig[string]{Concurrency: 1}))
}

func (p *products) fresh() bool {
	list := p.cached.Load()
	return list != nil && time.Since(list.AsOf) < freshFor
}

// get returns the products. It fails only if there never were any.
func (p *products) get() (*catalogue, error) {
	if !p.fresh() {
		if err := p.asked.TryEnqueue("products"); err != nil {
			p.log.Warn("refresh cannot be asked for", "error", err)
		}
	}
	if list := p.cached.Load(); list != nil {
		return list, nil
	}
	return nil, errors.New("there are no products yet")
}

// refresh fetches the products.
func (p *products) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchBound)
	defer cancel()
	list, err := p.origin.fetch(ctx)
	if err == nil {
		p.cached.Store(&catalogue{list, time.Now()})
	}
	return err
}

// warm is the first refresh. A shop opens without its products rather than not
// at all: the job will try again, and so will every visitor.
func (p *products) warm(ctx context.Context) error {
	err := p.refresh(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		p.log.Warn("products are not there yet", "error", err)
	}
	return nil
}

// health fails when the refresh has failed for a while. What should follow from
// that is a choice, made where the job is added to the host. All copies of this
// program ask the same origin: if its failure made them unready, all would leave
// the load balancer at once, and old products would turn into no shop at all. So
// the job is [hosted.NotCritical]: /readyz?verbose=1 shows it, an alert on failed
// runs wakes an operator, and the shop stays open. Where old data is worse than none,
// such as prices that bind, leave that option out; the check alone then takes the
// program out of traffic until a refresh succeeds.
func (p *products) health(context.Context) error {
	list := p.cached.Load()
	switch {
	case list == nil:
		return errors.New("there are no products yet")
	case time.Since(list.AsOf) > oldAfter:
		return fmt.Errorf("the products are %v old", time.Since(list.AsOf).Round(time.Second))
	}
	return nil
}
