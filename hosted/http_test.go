package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

const anyPort = "127.0.0.1:0"

// client has connections of its own, which are closed when the test is over.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func fetch(t testing.TB, url string) (string, error) {
	t.Helper()
	resp, err := client(t).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestHTTPServesFromStartToStop(t *testing.T) {
	web := hosted.HTTP(&http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "hello")
	})})
	if web.Addr() != nil || web.Err() != nil {
		t.Error("an address or an error before the start")
	}
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	starts(t, h)
	url := "http://" + web.Addr().String()
	if body, err := fetch(t, url); err != nil || body != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	stops(t, h)
	if _, err := fetch(t, url); err == nil {
		t.Error("it still serves")
	}
	wantNil(t, web.Err())
}

func TestAPortInUseFailsTheStartAndIsReleasedByTheRollBack(t *testing.T) {
	taken, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := hosted.HTTP(&http.Server{Addr: anyPort})
	h := hosted.New(hosted.Config{})
	h.Add("first", first)
	h.Add("second", hosted.HTTP(&http.Server{Addr: taken.Addr().String()}))
	err = h.Run(t.Context())
	wantServiceError(t, err, "second", "start")
	var op *net.OpError
	if !errors.As(err, &op) {
		t.Errorf("%v does not reach the *net.OpError", err)
	}
	again, err := net.Listen("tcp", first.Addr().String())
	if err != nil {
		t.Fatalf("the first server's port is still in use: %v", err)
	}
	_ = again.Close()
}

func TestASlowRequestIsWaitedFor(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	web := hosted.HTTP(&http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		if r.Context().Err() != nil {
			t.Error("the request was cancelled")
		}
		fmt.Fprint(w, "done")
	})})
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	starts(t, h)
	answer := make(chan string, 1)
	go func() {
		body, _ := fetch(t, "http://"+web.Addr().String())
		answer <- body
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- h.Stop(context.Background()) }()
	<-web.Done() // nothing new is accepted
	select {
	case err := <-stopped:
		t.Errorf("the stop did not wait: %v", err)
	default:
	}
	close(release)
	wantNil(t, <-stopped)
	if got := <-answer; got != "done" {
		t.Errorf("got %q", got)
	}
}

func TestARequestThatDoesNotEndIsCutAndReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newPipes()
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second}) // a tenth of it is for the cut
		h.Add("web", hosted.Serve(handler(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done() // which the cut ends
		}), l))
		starts(t, h)
		failed := make(chan error, 1)
		go func() {
			resp, err := l.client(t).Get("http://web/")
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		pass(time.Second)

		err := h.Stop(context.Background())
		wantServiceError(t, err, "web", "stop")
		wantIs(t, err, context.DeadlineExceeded)
		wantText(t, err.Error(), "cut")
		wantList(t, "stragglers", stragglers(err))
		if <-failed == nil {
			t.Error("the request got an answer")
		}
	})
}

func TestStopRightAfterStartNeverLeavesAServerBehind(t *testing.T) {
	for range 100 {
		web := hosted.HTTP(&http.Server{Addr: anyPort})
		h := hosted.New(hosted.Config{})
		h.Add("web", web)
		starts(t, h)
		stops(t, h)
		if !closed(web.Done()) {
			t.Fatal("it still serves")
		}
	}
}

func TestAServerThatDiesStopsTheHost(t *testing.T) {
	srv := &http.Server{Addr: anyPort}
	var listener net.Listener
	srv.BaseContext = func(l net.Listener) context.Context { listener = l; return context.Background() }
	web := hosted.HTTP(srv)
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	result := runs(t.Context(), h)
	<-h.Lifetime().Started()
	if _, err := fetch(t, "http://"+web.Addr().String()); err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	err := <-result
	wantList(t, "errors", calls(err), "run web")
	wantIs(t, err, net.ErrClosed)
}

func TestAServerThatDiesCanBeRestartedFresh(t *testing.T) {
	listeners := make(chan net.Listener, 10)
	h := hosted.New(hosted.Config{})
	h.Add("web", hosted.Fresh(func() (hosted.Service, error) {
		srv := &http.Server{Addr: anyPort}
		srv.BaseContext = func(l net.Listener) context.Context { listeners <- l; return context.Background() }
		return hosted.HTTP(srv), nil
	}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Millisecond})))
	starts(t, h)
	first := <-listeners
	_ = first.Close()
	second := <-listeners
	if _, err := fetch(t, "http://"+second.Addr().String()); err != nil {
		t.Error(err)
	}
	if status(t, h, "web").Restarts != 1 {
		t.Error("no restart was counted")
	}
	stops(t, h)
}

func TestAServerStartsOnceAndStopsBeforeItsStart(t *testing.T) {
	web := hosted.HTTP(&http.Server{Addr: anyPort})
	wantNil(t, web.Stop(t.Context()))
	if err := web.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if web.Start(t.Context()) == nil {
		t.Error("a second start was accepted")
	}
	wantNil(t, web.Stop(t.Context()))
	wantNil(t, web.Stop(t.Context()))
	if hosted.HTTP(nil).Start(t.Context()) == nil {
		t.Error("no server was accepted")
	}
}

func TestARequestSeesTheHostsValuesAndCanAskItToStop(t *testing.T) {
	type key struct{}
	var value atomic.Value
	h := hosted.New(hosted.Config{})
	web := hosted.HTTP(&http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value.Store(r.Context().Value(key{}))
		fmt.Fprint(w, errors.Is(h.Stop(r.Context()), hosted.ErrStopping))
	})})
	h.Add("web", web)
	result := runs(context.WithValue(t.Context(), key{}, "v"), h)
	<-h.Lifetime().Started()
	if body, err := fetch(t, "http://"+web.Addr().String()); err != nil || body != "true" {
		t.Errorf("got %q, %v", body, err)
	}
	wantNil(t, <-result)
	if value.Load() != "v" {
		t.Errorf("the request saw %v", value.Load())
	}
	wantState(t, h, "web", lifecycle.Stopped)
}

func TestABaseContextOfOnesOwnIsKept(t *testing.T) {
	type key struct{}
	srv := &http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(key{}))
	})}
	srv.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), key{}, "own") }
	web := hosted.HTTP(srv)
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	starts(t, h)
	if body, err := fetch(t, "http://"+web.Addr().String()); err != nil || body != "own" {
		t.Errorf("got %q, %v", body, err)
	}
	stops(t, h)
}

func TestAConnectionWithoutARequestDoesNotHoldUpTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newPipes()
		web := hosted.Serve(&http.Server{Handler: http.NotFoundHandler()}, l)
		if err := web.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.speaks(t, "")
		pass(time.Millisecond) // until the server knows of it

		// The library's own Shutdown waits five seconds for it, and would fail.
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		wantNil(t, web.Stop(ctx))
		pass(time.Second) // net/http may linger for half of it
	})
}
