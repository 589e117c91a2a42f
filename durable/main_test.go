package durable_test

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The parallel ones mostly wait: on a small machine more of them run at once than it has
// processors. A -parallel that is given comes later and wins.
func TestMain(m *testing.M) {
	if runtime.GOMAXPROCS(0) < 4 {
		_ = flag.Set("test.parallel", "4")
	}
	goleak.VerifyTestMain(patient{m})
}

// patient gives what the tests have stopped the time to end, on a machine with other work.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	for began := time.Now(); code == 0 && time.Since(began) < 20*time.Second && goleak.Find() != nil; {
	}
	return code
}
