package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
)

// A host with a task that is done first, a loop and something that ends it.
func ExampleHost() {
	host := hosted.New(hosted.Config{Name: "shop"})
	host.Task("warm-cache", func(context.Context) error {
		fmt.Println("cache is warm")
		return nil
	})
	host.Go("poll", func(ctx context.Context) error {
		<-ctx.Done() // work until then
		fmt.Println("poll ends:", context.Cause(ctx))
		return ctx.Err()
	})

	go func() {
		<-host.Lifetime().Started()
		host.Lifetime().Stop(errors.New("end of the example"))
	}()
	// In func main this is hosted.Main(host), which waits for a signal.
	fmt.Println("error:", host.Run(context.Background()))
	// Output:
	// cache is warm
	// poll ends: end of the example
	// error: <nil>
}

// Start and Stop are for a host that is a part of something else, such as a test.
func ExampleHost_Start() {
	host := hosted.New(hosted.Config{})
	host.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if err := host.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println("stopped:", host.Stop(ctx))
	// Output: stopped: <nil>
}

// A command shares the wiring of the program that serves, and starts only what
// it needs of it.
func ExampleHost_RunTask() {
	host := hosted.New(hosted.Config{})
	host.Add("db", &connection{name: "db"})
	host.Add("workers", &connection{name: "workers"}, hosted.After("db"))

	err := host.RunTask(context.Background(), func(context.Context) error {
		fmt.Println("migrate")
		return nil
	}, "db")
	fmt.Println("error:", err)
	// Output:
	// db is up
	// migrate
	// db is down
	// error: <nil>
}

// connection is a service by the interface.
type connection struct{ name string }

func (c *connection) Start(context.Context) error {
	fmt.Fprintln(os.Stdout, c.name, "is up")
	return nil
}
func (c *connection) Stop(context.Context) error {
	fmt.Fprintln(os.Stdout, c.name, "is down")
	return nil
}

// The budgets of a program under Docker, which kills after 10 s.
func ExampleConfig() {
	host := hosted.New(hosted.Config{
		Name:            "shop",
		StartTimeout:    30 * time.Second,
		ShutdownTimeout: 8 * time.Second,
		DrainDelay:      9 * time.Second,
	})
	fmt.Println(host.Start(context.Background()))
	// Output: stead/hosted: config "shop": DrainDelay 9s leaves nothing of ShutdownTimeout 8s
}

// Start returns when the service is ready, Stop when it has ended.
func ExampleService() {
	host := hosted.New(hosted.Config{})
	host.Add("db", &connection{name: "db"})
	host.Add("cache", &connection{name: "cache"})
	_ = host.Start(context.Background())
	_ = host.Stop(context.Background())
	// Output:
	// db is up
	// cache is up
	// cache is down
	// db is down
}

func ExampleLoop() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Add("count", hosted.Loop(func(ctx context.Context) error {
		for i := range 3 {
			fmt.Println(i)
		}
		return ctx.Err() // nil: completed
	}))
	fmt.Println(host.Run(context.Background()))
	// Output:
	// 0
	// 1
	// 2
	// <nil>
}

func ExampleOnce() {
	host := hosted.New(hosted.Config{})
	host.Add("migrate", hosted.Once(func(context.Context) error { return errors.New("no such table") }))
	host.Add("workers", &connection{name: "workers"}) // is not started
	fmt.Println(host.Run(context.Background()))
	// Output: stead/hosted: start "migrate": no such table
}

// A database is closed after everything that uses it.
func ExampleCloser() {
	db := io.NopCloser(nil) // such as an *sql.DB
	host := hosted.New(hosted.Config{})
	host.Add("db", hosted.Closer(db))
	host.Add("workers", &connection{name: "workers"})
	_ = host.Start(context.Background())
	fmt.Println(host.Stop(context.Background()))
	// Output:
	// workers is up
	// workers is down
	// <nil>
}

// An http.Server can serve once, so a restart needs a new one.
func ExampleFresh() {
	host := hosted.New(hosted.Config{})
	host.Add("admin", hosted.Fresh(func() (hosted.Service, error) {
		fmt.Println("a new server")
		return hosted.HTTP(&http.Server{Addr: "127.0.0.1:0"}), nil
	}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
	_ = host.Start(context.Background())
	fmt.Println(host.Stop(context.Background()))
	// Output:
	// a new server
	// <nil>
}

// What fails is restarted; what may be missing is ignored; everything else ends
// the program.
func ExamplePolicy() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	tries := 0
	host.Go("consume", func(context.Context) error {
		tries++
		if tries < 3 {
			return errors.New("connection reset")
		}
		fmt.Println("consumed after", tries-1, "restarts")
		return nil
	}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Millisecond})))
	host.Go("metrics", func(context.Context) error {
		return errors.New("nobody listens")
	}, hosted.OnFailure(hosted.Ignore()))
	fmt.Println(host.Run(context.Background()))
	// Output:
	// consumed after 2 restarts
	// <nil>
}

// One restart in an hour, and then the failure is the program's.
func ExampleRestartConfig() {
	host := hosted.New(hosted.Config{})
	host.Go("consume", func(context.Context) error {
		return errors.New("connection reset")
	}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{
		Initial: time.Millisecond,
		Limit:   1,
		Per:     time.Hour,
	})))
	fmt.Println(host.Run(context.Background()))
	// Output: stead/hosted: run "consume": gave up after 1 restarts: connection reset
}

// The order is that of Add, unless an option says otherwise.
func ExampleOption() {
	host := hosted.New(hosted.Config{})
	host.Add("api", &connection{name: "api"}, hosted.After("db"), hosted.StopTimeout(5*time.Second))
	host.Add("db", &connection{name: "db"}, hosted.StartTimeout(10*time.Second))
	_ = host.Start(context.Background())
	_ = host.Stop(context.Background())
	// Output:
	// db is up
	// api is up
	// api is down
	// db is down
}

func ExampleWaitReady() {
	host := hosted.New(hosted.Config{})
	host.Go("consumer", func(ctx context.Context) error {
		fmt.Println("subscribed")
		hosted.Ready(ctx)
		<-ctx.Done()
		return ctx.Err()
	}, hosted.WaitReady())
	host.Add("producer", &connection{name: "producer"})
	_ = host.Start(context.Background())
	_ = host.Stop(context.Background())
	// Output:
	// subscribed
	// producer is up
	// producer is down
}

func ExampleHealth() {
	host := hosted.New(hosted.Config{})
	host.Go("replica", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		hosted.Health(func(context.Context) error { return errors.New("lags behind") }))
	_ = host.Start(context.Background())

	answer := httptest.NewRecorder()
	host.ReadyHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Print(answer.Code, "\n", answer.Body)
	_ = host.Stop(context.Background())
	// Output:
	// 503
	// [+]host ok
	// [-]replica failed: reason withheld
	// readyz check failed
}

// orders is read by hand in a loop; Watch shows it beside the loop.
type orders struct{}

func (orders) Name() string { return "orders" }

func ExampleWatch() {
	host := hosted.New(hosted.Config{})
	host.Go("ship", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, hosted.Watch(orders{}))
	for _, s := range host.Services() {
		fmt.Println(s.Name, "watches", s.Watched[0].Name())
	}
	// Output: ship watches orders
}

func ExampleHTTPService() {
	host := hosted.New(hosted.Config{})
	web := hosted.HTTP(&http.Server{
		Addr:              "127.0.0.1:0",
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }),
		ReadHeaderTimeout: 5 * time.Second,
	})
	host.Add("http", web)
	_ = host.Start(context.Background())

	resp, err := http.Get("http://" + web.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(os.Stdout, resp.Body)
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	fmt.Println("", host.Stop(context.Background()))
	// Output: hello <nil>
}

func ExampleServiceError() {
	host := hosted.New(hosted.Config{})
	host.Go("poll", func(context.Context) error { return io.ErrUnexpectedEOF })
	err := host.Run(context.Background())

	var failed *hosted.ServiceError
	if errors.As(err, &failed) {
		fmt.Println(failed.Service, failed.Op, failed.Err)
	}
	fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	// Output:
	// poll run unexpected EOF
	// true
}

// A service that ignores its context does not hold the stop up.
func ExampleTimeoutError() {
	release := make(chan struct{})
	host := hosted.New(hosted.Config{ShutdownTimeout: 50 * time.Millisecond})
	host.Go("deaf", func(context.Context) error { <-release; return nil })
	_ = host.Start(context.Background())
	err := host.Stop(context.Background())

	var timeout *hosted.TimeoutError
	if errors.As(err, &timeout) {
		for _, s := range timeout.Stragglers {
			fmt.Println(s.Service, "did not return from", s.Op)
		}
	}
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	close(release)
	// Output:
	// deaf did not return from stop
	// true
}

// Stacks are those of the service's own goroutines.
func ExampleStraggler() {
	s := hosted.Straggler{
		Service: "mail", Op: "stop", Waited: 8 * time.Second,
		Stacks: "1 goroutine(s):\nmain.send+0x2f\n\t/src/mail.go:12\n",
	}
	fmt.Println(&hosted.TimeoutError{Stragglers: []hosted.Straggler{s}})
	fmt.Print(s.Stacks)
	// Output:
	// stead/hosted: did not return in time: "mail" (stop, 8s)
	// 1 goroutine(s):
	// main.send+0x2f
	// 	/src/mail.go:12
}

func ExampleReport() {
	host := hosted.New(hosted.Config{})
	host.Go("poll", func(ctx context.Context) error { <-ctx.Done(); return errors.New("half a page read") })
	_ = host.Start(context.Background())
	_ = host.Stop(context.Background())
	report := host.Report()
	fmt.Println("clean:", report.Clean())
	fmt.Println("cause:", report.Cause)
	fmt.Println("error:", report.Err)
	// Output:
	// clean: false
	// cause: stead/lifecycle: stop requested
	// error: stead/hosted: run "poll": half a page read
}

func ExampleServiceReport() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Go("import", func(context.Context) error { return nil })
	host.Add("db", &fake{})
	_ = host.Run(context.Background())
	for _, s := range host.Report().Services { // in the order of the stop
		fmt.Println(s.Name, s.State, s.Err)
	}
	// Output:
	// db stopped <nil>
	// import completed <nil>
}

func ExampleServiceStatus() {
	host := hosted.New(hosted.Config{})
	host.Add("db", &fake{})
	host.Go("poll", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.After("db"))
	_ = host.Start(context.Background())
	for _, s := range host.Services() {
		fmt.Println(s.Name, s.State, s.Ready, s.After)
	}
	_ = host.Stop(context.Background())
	// Output:
	// db running true []
	// poll running true [db]
}

// settingsFile is a service that can take up a changed configuration.
type settingsFile struct{ fake }

func (*settingsFile) Reload(context.Context) error {
	fmt.Fprintln(os.Stdout, "read again")
	return nil
}

// Main calls Reload on SIGHUP; a program can also do so by itself.
func ExampleReloader() {
	host := hosted.New(hosted.Config{})
	host.Add("settings", &settingsFile{})
	_ = host.Start(context.Background())
	fmt.Println(host.Reload(context.Background()))
	_ = host.Stop(context.Background())
	// Output:
	// read again
	// <nil>
}

func ExampleHost_Graph() {
	host := hosted.New(hosted.Config{})
	host.Add("db", &fake{})
	host.Add("api", &fake{}, hosted.After("db"))
	fmt.Print(host.Graph())
	// Output:
	// flowchart TD
	//     s0["db: new"]
	//     s1["api: new"]
	//     s0 --> s1
}

// A service waits for others of its host by name.
func ExampleCoordinator() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Go("report", func(ctx context.Context) error {
		if err := hosted.Coordinator(ctx).Wait(ctx, "import"); err != nil {
			return err
		}
		fmt.Println("everything is imported")
		return nil
	})
	host.Task("import", func(context.Context) error { fmt.Println("import"); return nil })
	fmt.Println(host.Run(context.Background()))
	// Output:
	// import
	// everything is imported
	// <nil>
}
