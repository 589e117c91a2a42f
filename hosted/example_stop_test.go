package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/steadgo/stead/hosted"
)

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

// A panic does not end the program: it is an error with the name of its service,
// and then follows the policy chosen for that.
func ExamplePanicError() {
	host := hosted.New(hosted.Config{})
	host.Go("poll", func(context.Context) error { panic("no such page") })
	err := host.Run(context.Background())

	var panicked *hosted.PanicError
	if errors.As(err, &panicked) {
		fmt.Println(panicked.Value, len(panicked.Stack) > 0)
	}
	// Output: no such page true
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

// What a stop would wait for, before anybody asks for it.
func ExampleHost_StopPlan() {
	h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
	h.Add("emails", &drainer{items: 74})
	h.Add("index", &drainer{})
	if err := h.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range h.StopPlan().Steps {
		fmt.Println(step.Service, step.InHand, step.What, step.Share.Round(time.Second))
	}
	fmt.Println(h.Stop(context.Background()))
	// Output:
	// index 0 item 13s
	// emails 74 item 20s
	// <nil>
}
