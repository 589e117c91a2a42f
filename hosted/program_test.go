//go:build unix

package hosted_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// programs are what the test binary is when it is started again with programEnv
// set: whole programs that end in Main.
var programs = map[string]func(){
	"plain": func() {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			say("loop ends: %v", context.Cause(ctx))
			return ctx.Err()
		})
		announce(h)
		hosted.Main(h)
	},
	"starting": func() {
		h := hosted.New(hosted.Config{})
		h.Add("up", &fake{stop: func(context.Context) error { say("up stops"); return nil }})
		h.Add("slow", &fake{start: func(ctx context.Context) error {
			say("starting")
			<-ctx.Done()
			return ctx.Err()
		}})
		hosted.Main(h)
	},
	"stuck start": func() {
		h := hosted.New(hosted.Config{DrainDelay: time.Second})
		h.Add("slow", &fake{start: func(context.Context) error { say("starting"); select {} }})
		hosted.Main(h)
	},
	"slow stop": func() {
		h := hosted.New(hosted.Config{})
		h.Add("slow", &fake{stop: func(context.Context) error { say("stopping"); select {} }})
		announce(h)
		hosted.Main(h)
	},
	"slow drain": func() {
		h := hosted.New(hosted.Config{})
		h.Add("slow", &leaving{fake: fake{stop: func(context.Context) error { say("stopping"); select {} }}, backlog: 3})
		announce(h)
		hosted.Main(h)
	},
	"drain": func() {
		h := hosted.New(hosted.Config{DrainDelay: time.Hour, ShutdownTimeout: 2 * time.Hour})
		h.Add("s", &fake{stop: func(context.Context) error { say("s stops"); return nil }})
		announce(h)
		go func() { <-h.Lifetime().Stopping(); say("draining") }()
		hosted.Main(h)
	},
	"stops by itself": func() {
		h := hosted.New(hosted.Config{})
		h.Add("s", &fake{stop: func(context.Context) error {
			terminated := make(chan os.Signal, 1)
			signal.Notify(terminated, syscall.SIGTERM)
			say("stopping")
			<-terminated
			time.Sleep(100 * time.Millisecond) // the host has seen it too, or will not
			return nil
		}})
		go func() { <-h.Lifetime().Started(); h.Lifetime().Stop(nil) }()
		hosted.Main(h)
	},
	"ignores": func() {
		h := hosted.New(hosted.Config{ShutdownTimeout: 4 * time.Second}) // a quarter of it is for the bystander
		h.Go("bystander", func(ctx context.Context) error { <-ctx.Done(); return nil })
		h.Go("deaf", func(context.Context) error { deafWork(); return nil })
		announce(h)
		hosted.Main(h)
	},
	"leaves the stacks to its report": func() {
		h := hosted.New(hosted.Config{ShutdownTimeout: 200 * time.Millisecond})
		h.Go("deaf", func(context.Context) error { deafWork(); return nil })
		announce(h)
		code := hosted.Exec(h)
		fmt.Fprint(os.Stderr, h.Report())
		os.Exit(code)
	},
	"broken pipe": func() {
		h := hosted.New(hosted.Config{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
		h.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			_, err := os.Stderr.WriteString("the loop ends")
			say("broken: %t", errors.Is(err, syscall.EPIPE))
			return ctx.Err()
		})
		announce(h)
		hosted.Main(h)
	},
	"fails": func() {
		h := hosted.New(hosted.Config{})
		h.Go("loop", failing(errBoom))
		hosted.Main(h)
	},
	"panics": func() {
		h := hosted.New(hosted.Config{})
		h.Add("s", &hooked{started: func(context.Context) error { panic("ouch") }})
		hosted.Main(h)
	},
	"goexit": func() {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(context.Context) error { runtime.Goexit(); return nil })
		hosted.Main(h)
	},
	"done": func() {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Go("loop", failing(nil))
		hosted.Main(h)
	},
	"misregistered": func() {
		h := hosted.New(hosted.Config{})
		h.Go("loop", nil)
		hosted.Main(h)
	},
	"reloads": func() {
		h := hosted.New(hosted.Config{})
		h.Add("s", &reloading{reload: func(context.Context) error { say("reloaded"); return errOther }})
		announce(h)
		hosted.Main(h)
	},
	"reloads slowly": func() {
		h := hosted.New(hosted.Config{})
		h.Add("s", &reloading{reload: func(context.Context) error {
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP)
			say("reloading")
			select {
			case <-again:
			case <-time.After(100 * time.Millisecond):
			}
			signal.Stop(again)
			say("reloaded")
			return nil
		}})
		announce(h)
		hosted.Main(h)
	},
	"after": func() {
		h := hosted.New(hosted.Config{})
		announce(h)
		code := hosted.Exec(h)
		say("code %d, then the default action is back", code)
		select {}
	},
	"bystanding handler": func() {
		own := make(chan os.Signal, 1)
		signal.Notify(own, syscall.SIGTERM)
		h := hosted.New(hosted.Config{})
		announce(h)
		_ = hosted.Exec(h)
		<-own
		say("own handler too")
	},
	"signal context": func() {
		h := hosted.New(hosted.Config{})
		ctx, cancel := lifecycle.SignalContext(context.Background(), syscall.SIGQUIT)
		announce(h)
		err := h.Run(ctx)
		cancel()
		var s *lifecycle.SignalError
		say("err %v, cause is SIGQUIT: %v", err, errors.As(h.Lifetime().Cause(), &s) && s.Signal == syscall.SIGQUIT)
		os.Exit(7)
	},
	"web": func() {
		h := hosted.New(hosted.Config{})
		web := hosted.HTTP(&http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			say("request")
			time.Sleep(300 * time.Millisecond)
			fmt.Fprint(w, "served")
		})})
		h.Add("web", web)
		h.Go("tell", func(ctx context.Context) error { say("at %v", web.Addr()); return idle(ctx) })
		hosted.Main(h)
	},
}

const programEnv = "STEAD_TEST_PROGRAM"

func runProgram() bool {
	program := programs[os.Getenv(programEnv)]
	if program == nil {
		return false
	}
	program()
	return true
}

//go:noinline
func deafWork() { select {} }

func say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func announce(h *hosted.Host) {
	go func() { <-h.Lifetime().Started(); say("started") }()
}

// process is one of the programs, running.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    *bufio.Scanner
	stderr bytes.Buffer
}

func program(t testing.TB, name string, with ...func(*exec.Cmd)) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // only a hang takes that long
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, os.Args[0])}
	// A program under the race detector otherwise waits a second before it ends.
	p.cmd.Env = append(os.Environ(), programEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	for _, change := range with {
		change(p.cmd)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func withStderr(w *os.File) func(*exec.Cmd) { return func(cmd *exec.Cmd) { cmd.Stderr = w } }

// expect reads the next line, which has to begin so, and returns the rest.
func (p *process) expect(prefix string) string {
	p.t.Helper()
	if !p.out.Scan() {
		_ = p.cmd.Wait()
		p.t.Fatalf("the program ended instead of saying %q: %s", prefix, p.stderr.String())
	}
	rest, found := strings.CutPrefix(p.out.Text(), prefix)
	if !found {
		p.t.Fatalf("the program said %q, want %q", p.out.Text(), prefix)
	}
	return rest
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the end and returns what is left of the output.
func (p *process) ends(code int) string {
	p.t.Helper()
	var rest []string
	for p.out.Scan() {
		rest = append(rest, p.out.Text())
	}
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d (%v)\n%s", got, code, p.cmd.ProcessState, p.stderr.String())
	}
	return strings.Join(rest, "\n")
}
