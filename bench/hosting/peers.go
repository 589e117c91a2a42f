package hosting

import (
	"context"
	"errors"
	"sync"

	"github.com/grafana/dskit/services"
	"github.com/oklog/run"
	"github.com/thejerf/suture/v4"
	"go.uber.org/fx"
	"golang.org/x/sync/errgroup"
)

// startErrgroup is the limit: a goroutine each and nothing else.
func startErrgroup(names []string) (func() error, error) {
	all := newCrowd(len(names))
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	for range names {
		g.Go(func() error { return all.service(ctx) })
	}
	all.up.Wait()
	return func() error { cancel(); return g.Wait() }, nil
}

var errStop = errors.New("stop")

// startOklogRun stops, as its users do, by an actor that returns.
func startOklogRun(names []string) (func() error, error) {
	all := newCrowd(len(names))
	var g run.Group
	for range names {
		end := make(chan struct{})
		g.Add(
			func() error { all.up.Done(); <-end; return nil },
			func(error) { close(end) },
		)
	}
	stop, ended := make(chan struct{}), make(chan error, 1)
	g.Add(
		func() error { <-stop; return errStop },
		func(error) {},
	)
	go func() { ended <- g.Run() }()
	all.up.Wait()
	return func() error {
		close(stop)
		if err := <-ended; !errors.Is(err, errStop) {
			return err
		}
		return nil
	}, nil
}

// sutureService is named, as suture makes a name by reflection otherwise.
type sutureService struct {
	name string
	all  *crowd
}

func (s *sutureService) String() string { return s.name }

func (s *sutureService) Serve(ctx context.Context) error {
	_ = s.all.service(ctx)
	return ctx.Err()
}

func startSuture(names []string) (func() error, error) {
	all := newCrowd(len(names))
	top := suture.NewSimple("bench")
	for _, name := range names {
		top.Add(&sutureService{name, all})
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := top.ServeBackground(ctx)
	all.up.Wait()
	return func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}, nil
}

func startDskit(names []string) (func() error, error) {
	all := newCrowd(len(names))
	list := make([]services.Service, len(names))
	for i, name := range names {
		list[i] = services.NewBasicService(nil, all.service, nil).WithName(name)
	}
	m, err := services.NewManager(list...)
	if err != nil {
		return nil, err
	}
	if err := services.StartManagerAndAwaitHealthy(context.Background(), m); err != nil {
		return nil, err
	}
	all.up.Wait()
	return func() error { return services.StopManagerAndAwaitStopped(context.Background(), m) }, nil
}

// startFx appends all hooks in one function: a constructor for each service
// would cost more.
func startFx(names []string) (func() error, error) {
	all := newCrowd(len(names))
	app := fx.New(fx.NopLogger, fx.Invoke(func(lc fx.Lifecycle) {
		for range names {
			lc.Append(fxHook(all))
		}
	}))
	if err := app.Start(context.Background()); err != nil {
		return nil, err
	}
	all.up.Wait()
	return func() error { return app.Stop(context.Background()) }, nil
}

func fxHook(all *crowd) fx.Hook {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	return fx.Hook{
		OnStart: func(context.Context) error {
			done.Go(func() { _ = all.service(ctx) })
			return nil
		},
		OnStop: func(context.Context) error {
			cancel()
			done.Wait()
			return nil
		},
	}
}
