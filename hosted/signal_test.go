//go:build unix

package hosted_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
		h := hosted.New(hosted.Config{ShutdownTimeout: 200 * time.Millisecond})
		h.Go("bystander", func(ctx context.Context) error { <-ctx.Done(); return nil })
		h.Go("deaf", func(context.Context) error { deafWork(); return nil })
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

func program(t testing.TB, name string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // only a hang takes that long
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, os.Args[0])}
	// A program under the race detector otherwise waits a second before it ends.
	p.cmd.Env = append(os.Environ(), programEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
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

func TestSIGTERMAndSIGINTStopAProgramCleanly(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := program(t, "plain")
			p.expect("started")
			p.signal(s)
			p.expect("loop ends: " + s.String() + " signal received")
			p.ends(0)
			if p.stderr.Len() > 0 {
				t.Errorf("stderr: %s", &p.stderr)
			}
		})
	}
}

func TestASignalWhileStartingRollsTheStartBack(t *testing.T) {
	t.Parallel()
	p := program(t, "starting")
	p.expect("starting")
	p.signal(syscall.SIGINT)
	p.expect("up stops")
	p.ends(1)
	wantText(t, p.stderr.String(), "interrupt signal received")
}

func TestASecondSignalForcesTheEnd(t *testing.T) {
	t.Parallel()
	p := program(t, "slow stop")
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.expect("stopping")
	p.signal(syscall.SIGTERM)
	p.ends(143)
	wantText(t, p.stderr.String(), "terminated signal received again", "slow")
}

func TestASecondSignalForcesTheEndOfAStartTooAlsoWithADrainDelay(t *testing.T) {
	t.Parallel()
	p := program(t, "stuck start")
	p.expect("starting")
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGINT)
	// The two may arrive in either order; which of them is second says the code.
	_ = p.out.Scan()
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 130 && code != 143 {
		t.Errorf("exit code %d, want 130 or 143\n%s", code, &p.stderr)
	}
}

func TestASecondSignalCutsTheDrainDelayAndStopsCleanly(t *testing.T) {
	t.Parallel()
	p := program(t, "drain")
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.expect("draining")
	p.signal(syscall.SIGTERM)
	p.expect("s stops")
	p.ends(0)
}

func TestASecondSignalRightBehindTheFirstStillOnlyCutsTheDrainDelay(t *testing.T) {
	for range 5 {
		p := program(t, "drain")
		p.expect("started")
		p.signal(syscall.SIGTERM)
		p.signal(syscall.SIGINT)
		p.ends(0)
	}
}

func TestTheFirstSignalOfAProgramThatStopsAlreadyDoesNotForceTheEnd(t *testing.T) {
	t.Parallel()
	p := program(t, "stops by itself")
	p.expect("stopping")
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

func TestAProgramWithAServiceThatIgnoresItsContextEndsAndNamesIt(t *testing.T) {
	t.Parallel()
	p := program(t, "ignores")
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.ends(1)
	text := p.stderr.String()
	wantText(t, text, `did not return in time: "deaf" (stop`, "deaf, left in stop:", "deafWork", "signal_test.go:")
	for _, other := range []string{"bystander", "runtime.main", "os/signal"} {
		if strings.Contains(text, other) {
			t.Errorf("stderr shows %q, which is none of its goroutines:\n%s", other, text)
		}
	}
}

func TestTheExitCodeSaysWhetherAllWentWell(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		says string
	}{
		"done":          {0, ""},
		"fails":         {1, `stead/hosted: run "loop": boom`},
		"panics":        {1, `stead/hosted: started "s": panic: ouch`},
		"goexit":        {1, `run "loop": runtime.Goexit called`},
		"misregistered": {1, "the function is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, name)
			p.ends(c.code)
			wantText(t, p.stderr.String(), c.says)
		})
	}
}

func TestSIGHUPReloadsAndDoesNotStop(t *testing.T) {
	t.Parallel()
	p := program(t, "reloads")
	p.expect("started")
	for range 3 {
		p.signal(syscall.SIGHUP)
		p.expect("reloaded")
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

func TestASIGHUPDuringAReloadIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	p := program(t, "reloads slowly")
	p.expect("started")
	for range 3 {
		p.signal(syscall.SIGHUP)
		p.expect("reloading")
		p.signal(syscall.SIGHUP)
		p.expect("reloaded")
		p.expect("reloading")
		p.expect("reloaded")
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

func TestSIGHUPKeepsItsDefaultActionIfNobodyReloads(t *testing.T) {
	t.Parallel()
	// Under nohup the program would ignore it from the beginning. What is caught
	// here has its default action there.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	p := program(t, "plain")
	p.expect("started")
	p.signal(syscall.SIGHUP)
	p.ends(-1)
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGHUP {
		t.Errorf("ended with %v", p.cmd.ProcessState)
	}
}

func TestTheDefaultActionIsBackWhenTheHostHasEnded(t *testing.T) {
	t.Parallel()
	p := program(t, "after")
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.expect("code 0")
	p.signal(syscall.SIGTERM)
	p.ends(-1)
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", p.cmd.ProcessState)
	}
}

func TestHandlersOfOthersAreNotTouched(t *testing.T) {
	t.Parallel()
	p := program(t, "bystanding handler")
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.expect("own handler too")
	p.ends(0)
}

func TestRunWithAnotherSignalKeepsTheProgramsOwnExitCode(t *testing.T) {
	t.Parallel()
	p := program(t, "signal context")
	p.expect("started")
	p.signal(syscall.SIGQUIT)
	p.expect("err <nil>, cause is SIGQUIT: true")
	p.ends(7)
}

func TestASignalLetsTheRequestsFinish(t *testing.T) {
	t.Parallel()
	p := program(t, "web")
	url := "http://" + p.expect("at ")
	body := make(chan string, 1)
	go func() {
		resp, err := client(t).Get(url)
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body <- string(text)
	}()
	p.expect("request")
	p.signal(syscall.SIGTERM)
	if got := <-body; got != "served" {
		t.Errorf("got %q", got)
	}
	p.ends(0)
}
