package hostedtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
)

// Cache is a service that refreshes itself. What the host wants to know of the
// loop behind it, such as its end, it finds through Unwrap.
type Cache struct {
	hosted.Service
	refreshed time.Time
}

func (c *Cache) Unwrap() hosted.Service { return c.Service }

func NewCache() *Cache {
	c := &Cache{}
	c.Service = hosted.Loop(func(ctx context.Context) error {
		for {
			c.refreshed = time.Now()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
			}
		}
	})
	return c
}

// A test starts the host and forgets about it: it is stopped at the end, and a
// goroutine that stays behind fails the test. In a bubble of testing/synctest an
// hour takes no time.
func ExampleStart() {
	// In a _test.go file this function has a name: func TestCache(t *testing.T)
	_ = func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cache := NewCache()
			host := hosted.New(hosted.Config{})
			host.Add("cache", cache)
			hostedtest.Start(t, host)

			time.Sleep(time.Hour)
			synctest.Wait()
			if age := time.Since(cache.refreshed); age > time.Minute {
				t.Errorf("the cache is %v old", age)
			}
		})
	}
	// Output:
}

// A service of one's own is held to the contract by one line.
func ExampleConform() {
	_ = func(t *testing.T) {
		hostedtest.Conform(t, func() hosted.Service { return NewCache() })
	}
	// Output:
}

func TestTheServiceOfTheExamplesConforms(t *testing.T) {
	hostedtest.Conform(t, func() hosted.Service { return NewCache() })
	synctest.Test(t, func(t *testing.T) {
		cache := NewCache()
		host := hosted.New(hosted.Config{})
		host.Add("cache", cache)
		hostedtest.Start(t, host)
		time.Sleep(time.Hour)
		synctest.Wait()
		if age := time.Since(cache.refreshed); age > time.Minute {
			t.Errorf("the cache is %v old", age)
		}
	})
}
