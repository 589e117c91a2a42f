package hosted

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// requests counts the requests whose handlers run. The states of connections are
// not enough for that: one of HTTP/2 has many requests, and is closed while their
// handlers still run.
type requests struct {
	mu      sync.Mutex
	conns   map[net.Conn]*connection
	running int
	calm    chan struct{} // closed and gone when nothing runs; nil: nobody waits for that
}

// connection is what is known of one connection, under the lock of requests.
type connection struct {
	spoke    bool // a request has begun on it
	hijacked bool // it is its handler's: Shutdown does not wait for it, and nor does Stop
}

type connKey struct{}

// count has srv tell of its connections and requests.
func (r *requests) count(srv *http.Server) {
	r.conns = map[net.Conn]*connection{}
	tell, lend, handler := srv.ConnState, srv.ConnContext, srv.Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if lend != nil {
			ctx = lend(ctx, c)
		}
		return context.WithValue(ctx, connKey{}, r.accept(c))
	}
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		r.note(c, state)
		if tell != nil {
			tell(c, state)
		}
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c, _ := req.Context().Value(connKey{}).(*connection)
		r.enter()
		defer r.leave(c)
		handler.ServeHTTP(w, req)
	})
}

// accept is called for a connection before anything else.
func (r *requests) accept(c net.Conn) *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	conn := &connection{}
	r.conns[c] = conn
	return conn
}

// note is told of every change of a connection's state; the first one is new.
func (r *requests) note(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	conn := r.conns[c]
	if conn == nil || state == http.StateNew {
		return
	}
	conn.spoke = true
	switch state {
	case http.StateHijacked: // by its only request
		conn.hijacked = true
		r.endLocked()
		delete(r.conns, c)
	case http.StateClosed:
		delete(r.conns, c)
	}
}

func (r *requests) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
}

func (r *requests) leave(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c == nil || !c.hijacked {
		r.endLocked()
	}
}

func (r *requests) endLocked() {
	r.running--
	if r.running == 0 && r.calm != nil {
		close(r.calm)
		r.calm = nil
	}
}

// wait returns when no handler runs, or with ctx's error.
func (r *requests) wait(ctx context.Context) error {
	r.mu.Lock()
	if r.running == 0 {
		r.mu.Unlock()
		return nil
	}
	if r.calm == nil {
		r.calm = make(chan struct{})
	}
	calm := r.calm
	r.mu.Unlock()
	select {
	case <-calm:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inHand is how many requests have handlers that run now.
func (r *requests) inHand() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// closeSilent closes connections that never said anything. Shutdown itself waits
// five seconds for these, which is most of many a budget.
func (r *requests) closeSilent() {
	r.mu.Lock()
	var silent []net.Conn
	for c, conn := range r.conns {
		if !conn.spoke {
			silent = append(silent, c)
		}
	}
	r.mu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
}
