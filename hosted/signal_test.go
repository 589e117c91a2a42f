//go:build unix

package hosted_test

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

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

// After a Ctrl-C the reader of the log may be gone before the program: tee is.
func TestAReaderOfTheLogThatIsGoneDoesNotEndTheProgramInItsStop(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	p := program(t, "broken pipe", withStderr(w))
	p.expect("started")
	p.signal(syscall.SIGINT)
	p.expect("broken: true")
	p.ends(0)
}

func TestASignalWhileStartingRollsTheStartBack(t *testing.T) {
	t.Parallel()
	p := program(t, "starting")
	p.expect("starting")
	p.signal(syscall.SIGINT)
	p.expect("up stops")
	p.ends(0)
	if p.stderr.Len() > 0 {
		t.Errorf("stderr: %s", &p.stderr)
	}
}

func TestASecondSignalForcesTheEnd(t *testing.T) {
	t.Parallel()
	text := untilItSays(t, "slow", "slow stop", 143, "stopping")
	wantText(t, text, "terminated signal received again", "slow")
}

func TestASecondSignalSaysHowManyItemsItCosts(t *testing.T) {
	t.Parallel()
	text := untilItSays(t, "; to drain: 3\n", "slow drain", 143, "stopping")
	wantText(t, text, "terminated signal received again while stopping; waiting for: slow; to drain: 3")
}

// untilItSays stops a program by a SIGTERM, and another one after each line that it is
// expected to print then, and looks at its exit code. It does so until the standard error
// has the part, for which the program has a fraction of a second: on a busy machine it ends
// without. It returns what it said.
func untilItSays(t *testing.T, part, name string, code int, lines ...string) (text string) {
	t.Helper()
	for range 5 {
		p := program(t, name)
		p.expect("started")
		p.signal(syscall.SIGTERM)
		for _, line := range lines {
			p.expect(line)
			p.signal(syscall.SIGTERM)
		}
		p.ends(code)
		if text = p.stderr.String(); strings.Contains(text, part) {
			break
		}
	}
	return text
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
	text := untilItSays(t, "deafWork", "ignores", 1)
	wantText(t, text, `did not return in time: "deaf" (stop`, "deaf, left in stop:", "deafWork", "program_test.go:")
	for _, other := range []string{"bystander", "runtime.main", "os/signal"} {
		if strings.Contains(text, other) {
			t.Errorf("stderr shows %q, which is none of its goroutines:\n%s", other, text)
		}
	}
}

func TestWhoPrintsTheReportGetsTheStacksOnce(t *testing.T) {
	t.Parallel()
	text := untilItSays(t, "deafWork", "leaves the stacks to its report", 1)
	wantText(t, text, `did not return in time: "deaf" (stop`)
	if n := strings.Count(text, "hosted_test.deafWork"); n != 1 {
		t.Errorf("the stack is there %d times:\n%s", n, text)
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
