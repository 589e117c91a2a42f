package hostedtest_test

import (
	"context"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
)

// What is leaked stays for good, so it is done in a process of its own.
const leakHere = "STEAD_TEST_LEAK_HERE"

func TestGoroutinesLeakedWhileTheHostRunsFailTheTest(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("needs GOEXPERIMENT=goroutineleakprofile")
	}
	if os.Getenv(leakHere) != "" {
		h := hosted.New(hosted.Config{})
		h.Go("loses", func(ctx context.Context) error { lose(); hosted.Ready(ctx); return idle(ctx) }, hosted.WaitReady())
		hostedtest.Start(t, h)
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), leakHere+"=1")
	said, err := again.CombinedOutput()
	if err == nil {
		t.Error("it did not fail")
	}
	for _, want := range []string{"leaked while the host ran", "loses: 1 goroutine(s)", "lose"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
}

// lose starts a goroutine that waits for what nobody has.
func lose() {
	nobody := make(chan struct{})
	began := make(chan struct{})
	go func() { close(began); <-nobody }()
	<-began
}
