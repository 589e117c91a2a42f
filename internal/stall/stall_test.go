package stall_test

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/stall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatComesIsReceivedAndWhatDoesNotIsWaitedForSoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := make(chan int, 1)
		time.AfterFunc(90*time.Millisecond, func() { c <- 7 })
		if n, ok := stall.Receive(c, 100*time.Millisecond); n != 7 || !ok {
			t.Errorf("%d, %v", n, ok)
		}
		began := time.Now()
		if n, ok := stall.Receive(c, 100*time.Millisecond); n != 0 || ok || time.Since(began) != 100*time.Millisecond {
			t.Errorf("%d, %v after %v", n, ok, time.Since(began))
		}
		if _, ok := stall.Receive(c, 0); ok {
			t.Error("received in no time")
		}
		close(c)
		if _, ok := stall.Receive(c, time.Hour); !ok {
			t.Error("a closed channel is waited for")
		}
	})
}
