package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
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
// A database that comes up later than the program: the task tries until it is
// there, and StartTimeout bounds that.
func ExampleHost_Task() {
	attempts := 0
	connect := func(context.Context) error {
		if attempts++; attempts < 3 {
			return errors.New("connection refused")
		}
		return nil
	}
	host := hosted.New(hosted.Config{})
	host.Task("database", func(ctx context.Context) error {
		for wait := 10 * time.Millisecond; ; wait *= 2 {
			err := connect(ctx)
			if err == nil {
				return nil
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", err, context.Cause(ctx))
			}
		}
	}, hosted.StartTimeout(time.Minute))
	fmt.Println(host.Start(context.Background()), attempts)
	fmt.Println(host.Stop(context.Background()))
	// Output:
	// <nil> 3
	// <nil>
}

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

// A service without a logger of its own has the host's: what the handler fails
// with is in it, and so is the end.
func ExampleConfig_logger() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{} // other ones each time
		}
		return a
	}})
	host := hosted.New(hosted.Config{Name: "shop", Logger: slog.New(text)})
	emails, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 10})
	if err != nil {
		fmt.Println(err)
	}
	gaveUp := make(chan error)
	senders, err := channelq.NewWorkers(emails, func(context.Context, string) error {
		return errors.New("no such mailbox")
	}, channelq.WorkerConfig[string]{OnGiveUp: func(_ context.Context, _ string, err error) { gaveUp <- err }})
	if err != nil {
		fmt.Println(err)
	}
	host.Add("emails", senders)
	_ = host.Start(context.Background())
	_ = emails.TryEnqueue("ada@example.com")
	<-gaveUp
	_ = host.Stop(context.Background())
	// Output:
	// level=INFO msg="host starting" host=shop services=1
	// level=INFO msg="host started" host=shop
	// level=ERROR msg="item given up" queue=emails error="no such mailbox" attempt=1 id=1
	// level=INFO msg="host stopping" host=shop cause="stead/lifecycle: stop requested"
	// level=INFO msg="service stopped" host=shop service=emails state=stopped items.accepted=1 items.gave_up=1
	// level=INFO msg="host stopped" host=shop cause="stead/lifecycle: stop requested"
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
	// Output: stead/hosted: run "consume": gave up after 1 restart: connection reset
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
