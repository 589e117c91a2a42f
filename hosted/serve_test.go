package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// pipes is a listener whose connections are in memory, for a bubble.
type pipes struct {
	accepts chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newPipes() *pipes { return &pipes{accepts: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepts:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

func (p *pipes) client(t testing.TB) *http.Client {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		p.accepts <- there
		return here, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func handler(f func(w http.ResponseWriter, r *http.Request)) *http.Server {
	return &http.Server{Handler: http.HandlerFunc(f)}
}

func TestServeServesOnTheListenerItGetsAndClosesItAtTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newPipes()
		h := hosted.New(hosted.Config{})
		h.Add("web", hosted.Serve(handler(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }), l))
		starts(t, h)
		c := l.client(t)
		resp, err := c.Get("http://web/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(body) != "hello" {
			t.Errorf("got %q", body)
		}
		c.CloseIdleConnections()
		stops(t, h)
		if !closed(l.closed) {
			t.Error("the listener is open")
		}
	})
}

func TestServeWithoutAListenerFailsTheStart(t *testing.T) {
	err := hosted.Serve(&http.Server{}, nil).Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the listener is nil") {
		t.Errorf("got %v", err)
	}
}

//go:noinline
func deafHandler(release <-chan struct{}) { <-release }

func TestRequestsThatAreCutAreCountedAndHandlersThatStayAreStragglersWithTheirStacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, release := newPipes(), make(chan struct{})
		var asked sync.WaitGroup
		t.Cleanup(func() { close(release); asked.Wait() })
		web := hosted.Serve(handler(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/deaf" {
				deafHandler(release)
			}
			<-r.Context().Done()
		}), l)
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("web", web)
		starts(t, h)
		for _, path := range []string{"/deaf", "/hears", "/hears"} {
			asked.Go(func() {
				if _, err := l.client(t).Get("http://web" + path); err == nil {
					t.Error("a request that was cut got an answer")
				}
			})
		}
		pass(time.Second)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, 10*time.Second)
		wantText(t, err.Error(), `stop "web": http: 3 requests were cut: `)
		wantIs(t, err, context.DeadlineExceeded)
		wantList(t, "stragglers", stragglers(err), "stop web")
		if n := web.Stuck(); n != 1 {
			t.Errorf("%d handlers are stuck, want the one that does not listen", n)
		}
		var timeout *hosted.TimeoutError
		if errors.As(err, &timeout) {
			wantText(t, timeout.Stragglers[0].Stacks, "deafHandler")
		}
	})
}

func TestAHijackedConnectionDoesNotHoldUpTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, release, over := newPipes(), make(chan struct{}), make(chan struct{})
		web := hosted.Serve(handler(func(w http.ResponseWriter, _ *http.Request) {
			defer close(over)
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			<-release
		}), l)
		h := hosted.New(hosted.Config{})
		h.Add("web", web)
		starts(t, h)
		asked := make(chan struct{})
		go func() { defer close(asked); _, _ = l.client(t).Get("http://web/") }()
		pass(time.Second)
		began := time.Now()
		stops(t, h)
		within(t, began, 0)
		close(release)
		<-over
		<-asked
		if n := web.Stuck(); n != 0 {
			t.Errorf("%d are counted as stuck", n)
		}
	})
}

func TestARequestOfHTTP2IsWaitedForUntilItsHandlerHasReturned(t *testing.T) {
	pattern := httptest.NewUnstartedServer(http.NotFoundHandler()) // for its certificate
	pattern.EnableHTTP2 = true
	pattern.StartTLS()
	defer pattern.Close()
	arrived, release := make(chan struct{}), make(chan struct{})
	returned := false
	srv := handler(func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the request is of %s", r.Proto)
		}
		close(arrived)
		<-release
		returned = true
	})
	srv.Addr, srv.TLSConfig = anyPort, pattern.TLS.Clone()
	web := hosted.TLS(hosted.HTTP(srv))
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	starts(t, h)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+web.Addr().String(), nil)
		if resp, err := pattern.Client().Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-arrived
	hangUp() // the stream is over, the handler is not
	<-gone
	go func() { <-web.Done(); close(release) }()
	stops(t, h)
	if !returned {
		t.Error("the stop did not wait for the handler")
	}
	pattern.Client().CloseIdleConnections()
}

func TestTheLogHasTheAddressAndWhatHandlersPanicOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lines, logger := newLog()
		l := newPipes()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("web", hosted.Serve(handler(func(http.ResponseWriter, *http.Request) { panic("ouch") }), l))
		starts(t, h)
		wantLines(t, lines, "INFO listening service=web address=memory", 1)
		if _, err := l.client(t).Get("http://web/"); err == nil {
			t.Error("a panic was answered")
		}
		stops(t, h)
		wantLines(t, lines, "ERROR http: panic serving", 1)
		wantLines(t, lines, "ouch", 1)
	})
}

func TestAnErrorLogOfOnesOwnIsKept(t *testing.T) {
	_, logger := newLog()
	for _, own := range []*log.Logger{nil, log.New(io.Discard, "", 0)} {
		srv := &http.Server{Addr: anyPort, ErrorLog: own}
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("web", hosted.HTTP(srv))
		starts(t, h)
		stops(t, h)
		if own != nil && srv.ErrorLog != own || srv.ErrorLog == nil {
			t.Errorf("with %v it is %v", own, srv.ErrorLog)
		}
	}
	srv := &http.Server{Addr: anyPort}
	h := hosted.New(hosted.Config{})
	h.Add("web", hosted.HTTP(srv))
	starts(t, h)
	stops(t, h)
	if srv.ErrorLog != nil {
		t.Error("a host without a logger changed the server's")
	}
}
