package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
)

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
