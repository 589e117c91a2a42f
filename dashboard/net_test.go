package dashboard_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// pipes is a network inside a bubble: connections that are pipes, so that
// deadlines and waits follow the fake clock.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accept <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve serves over pipes until the test ends, or until the test itself shuts
// the server down.
func serve(t *testing.T, srv *http.Server) (*http.Client, *pipes) {
	t.Helper()
	p := newPipes()
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial, Protocols: srv.Protocols}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		<-served
	})
	return &http.Client{Transport: transport}, p
}

// watcher reads an event stream as a browser does.
type watcher struct {
	events chan string   // the data of each event
	ended  chan struct{} // closed when the server ended the stream
	why    atomic.Value  // of the end, a string, as the server says
	alive  atomic.Int64  // signs of life that were no event
	leave  context.CancelFunc
}

func watch(t *testing.T, client *http.Client, url string) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	w := &watcher{events: make(chan string, 1000), ended: make(chan struct{}), leave: cancel}
	t.Cleanup(func() { cancel(); <-w.ended })
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("stream: status %d, type %q", answer.StatusCode, got)
	}
	go func() {
		defer close(w.ended)
		defer func() { _ = answer.Body.Close() }()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		var data strings.Builder
		event := ""
		for lines.Scan() {
			line := lines.Text()
			if part, ok := strings.CutPrefix(line, "data: "); ok {
				data.WriteString(part + "\n")
			} else if strings.HasPrefix(line, ":") {
				w.alive.Add(1)
			} else if name, ok := strings.CutPrefix(line, "event: "); ok {
				event = name
			} else if line == "" && event == "end" {
				w.why.Store(strings.TrimSpace(data.String()))
			} else if line == "" && data.Len() > 0 {
				w.events <- data.String()
				data.Reset()
			}
		}
	}()
	return w
}

// latest is the last event that came; "" if there was none since the last call.
func (w *watcher) latest() string {
	last := ""
	for {
		select {
		case last = <-w.events:
		default:
			return last
		}
	}
}

func (w *watcher) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}
