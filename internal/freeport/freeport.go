// Package freeport finds ports for the servers that tests start.
package freeport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Get returns a port of 127.0.0.1 on which nobody listens, and none twice in a process. It
// is below the range from which the system gives ports to connections and listeners: so it
// is still free when the server has been built, or wants it again after it was killed.
func Get() int {
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := 20_000 + rand.IntN(12_000)
		if given[port] {
			continue
		}
		if l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil && l.Close() == nil {
			given[port] = true
			return port
		}
	}
	panic("freeport: nobody can listen on 127.0.0.1 from port 20000 on")
}
