package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
	"weak"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// writeWait is how long a viewer may take to accept an update before it is given
// up on, and lastWait the same for what is written when the server leaves; quiet is after how long without news a comment is sent, so that proxies
// and dead connections are noticed.
const (
	writeWait = 10 * time.Second
	lastWait  = 100 * time.Millisecond
	quiet     = 15 * time.Second
)

// stream sends the page again whenever it has changed, as server-sent events. It
// ends when the viewer leaves, when the server that carries it begins to shut
// down, and when the host has stopped: an open stream would otherwise hold up
// Server.Shutdown for all of its budget.
//
// It does not end when the host begins to stop: that is when people look. Only
// where the server cannot be known, behind a middleware that replaced the
// request's context, must that be the moment.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) {
	page := r.FormValue("page")
	if !isPage(page) {
		http.NotFound(w, r)
		return
	}
	leaving := d.servers.leaving(r)
	if leaving == nil {
		leaving = d.host.Lifetime().Stopping()
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	s := &eventStream{w: w, rc: http.NewResponseController(w)}
	defer s.leaveAt(d.host.Lifetime().Stopped(), leaving)()
	if r.Method == http.MethodHead {
		return
	}
	s.begin()
	if !canFlush(w) || errors.Is(s.flush(), http.ErrNotSupported) {
		d.cannotStream(w)
		return
	}
	if !s.send([]byte("retry: 1000\n\n")) {
		return
	}
	ticker := time.NewTicker(d.cfg.Interval)
	defer ticker.Stop()
	for {
		live, phase := d.live(page, r.FormValue("name"))
		if !s.page(live) {
			return
		}
		// A stream that is opened during a stop, perhaps when its server is
		// shutting down already, is one picture; the browser asks again.
		over := phase == Stopped || isClosed(leaving)
		if over {
			s.send([]byte("event: end\ndata: " + farewell(phase) + "\n\n"))
		}
		if over || phase == Stopping && s.pages == 1 {
			return
		}
		select {
		case <-ticker.C:
		case <-d.host.Lifetime().Stopped():
		case <-leaving: // one last picture, or the one that stays would know of no stop
		case <-r.Context().Done():
			return
		}
	}
}

// live is the part of a page that is sent again, as it is now.
func (d *Dashboard) live(page, name string) ([]byte, Phase) {
	inv := d.look()
	defer inv.release()
	return d.render("live", d.view(inv, page, name)), inv.state.Phase
}

// farewell returns why a stream ends, for the viewer of the page that stays.
func farewell(p Phase) string {
	switch p {
	case Stopping:
		return "The program is stopping, and the server of this page has stopped"
	case Stopped:
		return "The program has stopped"
	default:
		return "The server of this page has shut down"
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// eventStream writes events and gives up on a viewer who does not take them.
type eventStream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	last  []byte
	at    time.Time // of the last write
	pages int

	mu   sync.Mutex
	left bool // the server leaves
}

// leaveAt calls leave when one of the channels is closed. The function that it returns
// ends that, and returns when the connection is no longer touched.
func (s *eventStream) leaveAt(a, b <-chan struct{}) (end func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-a:
			s.leave()
		case <-b:
			s.leave()
		case <-over:
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// leave gives a write that is running, and what is written from here on, no more than a
// moment: a viewer who does not read must not hold the server up. Not none at all: the
// write may be of a picture that came in the same moment, and the last one is to follow.
func (s *eventStream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	_ = s.rc.SetWriteDeadline(time.Now().Add(lastWait))
}

// begin and end are around every write.
func (s *eventStream) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Now()
	wait := writeWait
	if s.left {
		wait = lastWait
	}
	_ = s.rc.SetWriteDeadline(s.at.Add(wait)) // not every writer has one
}

func (s *eventStream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		_ = s.rc.SetWriteDeadline(time.Now().Add(lastWait))
	} else {
		_ = s.rc.SetWriteDeadline(time.Time{})
	}
}

// canFlush looks at the innermost writer: one around it may say that it flushes, and
// answer with 200 before it finds out that nothing behind it does.
func canFlush(w http.ResponseWriter) bool {
	for {
		around, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = around.Unwrap()
	}
	switch w.(type) {
	case http.Flusher, interface{ FlushError() error }:
		return true
	}
	return false
}

// flush sends what was written. A writer of a middleware that cannot, and says so with a
// panic as that of echo does, is no reason to end the connection in the middle.
func (s *eventStream) flush() error {
	err := guard.Call(s.rc.Flush)
	var panicked *lifecycle.PanicError
	if errors.As(err, &panicked) {
		return http.ErrNotSupported
	}
	return err
}

// cannotStream tells the browser, which then polls the page. It also logs once: the type
// of the writer shows which middleware is in front.
func (d *Dashboard) cannotStream(w http.ResponseWriter) {
	d.told.Do(func() {
		d.logger().Warn("dashboard stream cannot be flushed: open pages poll instead", slog.String("writer", fmt.Sprintf("%T", w)))
	})
	http.Error(w, "the stream cannot be flushed: a middleware in front of the dashboard collects its answers", http.StatusInternalServerError)
}

// page sends html as an event, unless it is what was sent last.
func (s *eventStream) page(html []byte) bool {
	s.pages++
	if bytes.Equal(html, s.last) {
		if time.Since(s.at) < quiet {
			return true
		}
		return s.send([]byte(": still here\n\n"))
	}
	s.last = html
	var event bytes.Buffer
	event.WriteString("event: page\n")
	// A carriage return, as in the error of a tool that shows its progress, would
	// end the line for the browser too. In HTML it means the same as a line feed.
	for line := range bytes.SplitSeq(bytes.ReplaceAll(html, []byte("\r"), []byte("\n")), []byte("\n")) {
		fmt.Fprintf(&event, "data: %s\n", line)
	}
	event.WriteByte('\n')
	return s.send(event.Bytes())
}

// send writes under a deadline of its own. Server.WriteTimeout, which is meant
// for a whole response, would cut the stream, so it is lifted between writes: a
// deadline that has passed once cannot be set again.
func (s *eventStream) send(data []byte) bool {
	s.begin()
	if _, err := s.w.Write(data); err != nil {
		return false
	}
	if err := s.flush(); err != nil {
		return false
	}
	s.end()
	return true
}

// servers knows of every server that carries a dashboard when it begins to shut
// down. What an http.Server was given once stays with it, so it gets one function
// for all its streams; the weak keys let it be collected afterwards.
type servers struct {
	mu    sync.Mutex
	known map[weak.Pointer[http.Server]]chan struct{}
}

// leaving is closed when the server that r came by shuts down; nil if it cannot
// be known.
func (s *servers) leaving(r *http.Request) <-chan struct{} {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server == nil {
		return nil
	}
	key := weak.Make(server)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.known[key]; ok {
		return c
	}
	for k := range s.known {
		if k.Value() == nil {
			delete(s.known, k)
		}
	}
	if s.known == nil {
		s.known = map[weak.Pointer[http.Server]]chan struct{}{}
	}
	c := make(chan struct{})
	s.known[key] = c
	server.RegisterOnShutdown(sync.OnceFunc(func() { close(c) })) // Shutdown may be called twice
	return c
}
