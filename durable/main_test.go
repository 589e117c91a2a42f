package durable_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// patient gives what the tests have stopped the time to end, on a machine with other work.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	for began := time.Now(); code == 0 && time.Since(began) < 20*time.Second && goleak.Find() != nil; {
	}
	return code
}
