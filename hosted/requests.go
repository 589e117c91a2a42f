package hosted

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// requests counts the requests whose handlers run. The states of connections are
// not enough for that: one of HTTP/2 has many requests, and is closed while their
// handlers still run.
type requests struct {
	mu      sync.Mutex
	conns   map[net.Conn]*connection
	running int
	idle    chan struct{} // closed and gone when nothing runs; nil means nobody waits for that
}

// connection is what is known of one connection, under the lock of requests.
type connection struct {
	spoke    bool      // a request has begun on it
	hijacked bool      // it is its handler's: Shutdown does not wait for it, and nor does Stop
	owes     time.Time // since when its handler has ended and the server reads the rest of a body; zero means it does not
	dropped  bool      // Stop has closed it
}

// body notes whether the whole of a request's body was read.
type body struct {
	io.ReadCloser
	over atomic.Bool // or it failed
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.over.Store(true)
	}
	return n, err
}

// watchBody returns nil if there is nothing to watch: of HTTP/2 the server itself
// resets what its handler did not read.
func watchBody(req *http.Request) *body {
	if req.ProtoMajor != 1 || req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	b := &body{ReadCloser: req.Body}
	req.Body = b
	return b
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
		b := watchBody(req)
		r.enter()
		defer func() { r.leave(c, b != nil && !b.over.Load()) }()
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
	conn.spoke, conn.owes = true, time.Time{}
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

func (r *requests) leave(c *connection, owes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c == nil || !c.hijacked {
		r.endLocked()
	}
	if c != nil && owes {
		c.owes = time.Now()
	}
}

func (r *requests) endLocked() {
	r.running--
	if r.running == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// wait returns when no handler runs, or with ctx's error.
func (r *requests) wait(ctx context.Context) error {
	r.mu.Lock()
	if r.running == 0 {
		r.mu.Unlock()
		return nil
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	r.mu.Unlock()
	select {
	case <-idle:
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

// open is how many connections there are that nobody has closed.
func (r *requests) open() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		if !conn.dropped {
			n++
		}
	}
	return n
}

// dropped counts the connections that a Stop closed because nothing came on them.
type dropped struct {
	silent   int // no request
	bodyless int // not the rest of a request whose handler had ended
}

// drop closes connections on which nothing has come for as long as timeout, since
// began at the earliest. Shutdown itself waits five seconds for the first kind, and for
// ever for the other.
func (r *requests) drop(began time.Time, timeout time.Duration) (d dropped) {
	now := time.Now()
	var idle []net.Conn
	r.mu.Lock()
	for c, conn := range r.conns {
		since := began
		if conn.owes.After(since) {
			since = conn.owes
		}
		if conn.dropped || conn.spoke && conn.owes.IsZero() || now.Sub(since) < timeout {
			continue
		}
		conn.dropped = true
		idle = append(idle, c)
		if conn.spoke {
			d.bodyless++
		} else {
			d.silent++
		}
	}
	r.mu.Unlock()
	for _, c := range idle { // each may be foreign code, and TLS has something to write
		go guard.Run(c.Close, func(error) {})
	}
	return d
}

// dropIdle calls drop until the function it returns is called, which returns how many
// there were. When some were and no other connection is left, it calls onlyIdleLeft.
func (r *requests) dropIdle(timeout time.Duration, onlyIdleLeft func()) (stop func() dropped) {
	began := time.Now()
	quit, all := make(chan struct{}), make(chan dropped, 1)
	go func() {
		var sum dropped
		ticker := time.NewTicker(max(timeout/10, time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d := r.drop(began, timeout)
				sum.silent += d.silent
				sum.bodyless += d.bodyless
				if sum != (dropped{}) && r.open() == 0 && r.inHand() == 0 {
					onlyIdleLeft()
				}
			case <-quit:
				all <- sum
				return
			}
		}
	}()
	return func() dropped { close(quit); return <-all }
}
