package hosted_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// speaks opens a connection, sends this much, and keeps it open.
func (p *pipes) speaks(t testing.TB, text string) net.Conn {
	here, there := net.Pipe()
	p.accepts <- there
	t.Cleanup(func() { _ = here.Close() })
	go func() { _, _ = io.WriteString(here, text) }()
	return here
}

const halfARequest = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"

func TestWhatNeverComesDoesNotMakeAStopUnclean(t *testing.T) {
	for _, budget := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, 600 * time.Millisecond, 2 * time.Second, 25 * time.Second} {
		for name, c := range map[string]struct {
			text string
			log  string
		}{
			"no request":  {"", "DEBUG connections closed service=web without_request=1 without_body=0"},
			"half a line": {"GET / HT", "DEBUG connections closed service=web without_request=1 without_body=0"},
			"no body":     {halfARequest, "INFO connections closed service=web without_request=0 without_body=1"},
			"half a chunk": {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
				"INFO connections closed service=web without_request=0 without_body=1"},
		} {
			t.Run(fmt.Sprint(budget, " ", name), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					l := newPipes()
					log, logger := newLog()
					h := hosted.New(hosted.Config{ShutdownTimeout: budget, Logger: logger})
					h.Add("web", hosted.Serve(handler(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") }), l))
					starts(t, h)
					l.speaks(t, c.text)
					pass(time.Second)
					began := time.Now()
					stops(t, h)
					if took := time.Since(began); took > budget*6/10 || took > 1200*time.Millisecond {
						t.Errorf("took %v of %v", took, budget)
					}
					wantLines(t, log, c.log, 1)
					wantLines(t, log, "WARN", 0)
					pass(time.Second) // net/http may linger for half of it
				})
			})
		}
	}
}

func TestARequestWhoseBodyIsReadIsNotClosed(t *testing.T) {
	for name, read := range map[string]func(io.Reader) error{
		"all of it":  func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		"none of it": func(io.Reader) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := newPipes()
				h := hosted.New(hosted.Config{})
				h.Add("web", hosted.Serve(handler(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(5 * time.Second) // it is over long after the stop began
					if err := read(r.Body); err != nil {
						t.Error(err)
					}
					fmt.Fprint(w, "thanks")
				}), l))
				starts(t, h)
				answer := make(chan string, 1)
				go func() {
					resp, err := l.client(t).Post("http://web/", "text/plain", strings.NewReader(strings.Repeat("a", 1000)))
					if err != nil {
						answer <- err.Error()
						return
					}
					defer resp.Body.Close()
					text, _ := io.ReadAll(resp.Body)
					answer <- string(text)
				}()
				pass(time.Second)
				stops(t, h)
				if got := <-answer; got != "thanks" {
					t.Errorf("the client got %q", got)
				}
			})
		})
	}
}

func TestAHandlerThatWaitsForABodyIsARequestThatIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newPipes()
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("web", hosted.Serve(handler(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), l))
		starts(t, h)
		l.speaks(t, halfARequest)
		pass(time.Second)
		err := h.Stop(context.Background())
		wantText(t, err.Error(), "http: 1 request was cut: ")
		pass(time.Second) // net/http may linger for half of it
	})
}

func TestAClientThatReadsSlowlyGetsAllOfIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newPipes()
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("web", hosted.Serve(handler(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }), l))
		starts(t, h)
		c := l.speaks(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		got := make(chan string, 1)
		go func() {
			time.Sleep(4 * time.Second)
			text, _ := io.ReadAll(c)
			got <- string(text)
		}()
		pass(time.Second)
		stops(t, h)
		wantText(t, <-got, "hello")
	})
}

func TestWhatStrangersDoIsNoErrorOfTheProgram(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for text, level := range map[string]string{
			"http: TLS handshake error from 192.0.2.1:1: EOF":                          "DEBUG",
			"http2: server: error reading preface from client 192.0.2.1:1: bogus":      "DEBUG",
			"http: URL query contains semicolon":                                       "DEBUG",
			"http: Accept error: too many open files; retrying in 5ms":                 "WARN",
			"http: superfluous response.WriteHeader call from main.main (main.go:7)":   "WARN",
			"http: response.Write on hijacked connection from main.main (main.go:7)":   "WARN",
			"http: panic serving 192.0.2.1:1: boom\ngoroutine 7 [running]:":            "ERROR",
			"http2: panic serving 192.0.2.1:1: boom\ngoroutine 7 [running]:":           "ERROR",
			"http: invalid Content-Length of \"x\"":                                    "WARN",
			"http: TLS handshake error from 192.0.2.1:1: http: panic serving the host": "DEBUG",
		} {
			log, logger := newLog()
			srv := &http.Server{}
			h := hosted.New(hosted.Config{Logger: logger})
			h.Add("web", hosted.Serve(srv, newPipes()))
			starts(t, h)
			srv.ErrorLog.Print(text)
			stops(t, h)
			wantLines(t, log, level+" "+text+" service=web", 1)
		}
	})
}
