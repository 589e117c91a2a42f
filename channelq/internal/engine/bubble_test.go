package engine_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// In a bubble no time passes while somebody waits for a sync.Mutex. A call that waits for
// a lock bit, below a lock of its caller, must then not wait for time.
func TestACallThatWaitsForALockBitNeedsNoTime(t *testing.T) {
	for name, call := range map[string]func(*engine.Engine[int]){
		"TryPut":   func(e *engine.Engine[int]) { e.TryPut(new(int)) },
		"PutEvict": func(e *engine.Engine[int]) { e.PutEvict(new(int), new(int), engine.Oldest) },
		"TryTake":  func(e *engine.Engine[int]) { e.TryTake(new(int)) },
		"Close":    func(e *engine.Engine[int]) { e.Close() },
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			synctest.Test(t, func(*testing.T) {
				e := engine.New[int](engine.Config{Capacity: 2})
				e.TryPut(new(int))
				free := e.Hold()
				var mu sync.Mutex
				for range 2 { // the other waits for the lock
					go func() {
						mu.Lock()
						defer mu.Unlock()
						call(e)
					}()
				}
				yield() // until the first has looked often
				free()
			})
		}()
		select {
		case <-done:
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s hangs", name)
		}
	}
}
