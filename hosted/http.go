package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/safelog"
	stopctx "github.com/steadgo/stead/internal/stopping"
)

// HTTPService serves an http.Server as a [Service]; make one with [HTTP] or
// [Serve].
type HTTPService struct {
	srv  *http.Server
	open func(ctx context.Context) (net.Listener, error)
	log  safelog.Log

	mu       sync.Mutex
	opened   bool
	address  net.Addr // nil: not started
	done     chan struct{}
	err      error
	requests requests
}

// HTTP makes a Service of an http.Server. Start listens on srv.Addr, so that a
// port in use fails the start, and returns when connections are accepted; with
// certificates in srv.TLSConfig it serves TLS. Stop lets requests finish until
// shortly before its deadline and then cuts what is left, which is an error with
// their number; handlers that do not return then either make the service a
// straggler, with their stacks. A connection on which no request has begun, such
// as the spare ones of a browser, has half a second for it.
//
// In a concurrent start, what wants Addr is a service that comes [After] this one.
//
// srv.BaseContext, if nil, is set so that requests see the values of the host's
// context and [Host.Stop] knows them as its own; srv.ErrorLog, if nil, so that the
// panics of handlers are in the host's log at the level Error. srv.Handler,
// srv.ConnState and srv.ConnContext are wrapped, to count requests. srv can be
// served once; to restart it use [Fresh]. Long streams do not end with Shutdown:
// end them from srv.RegisterOnShutdown or with the context of the service that
// feeds them.
func HTTP(srv *http.Server) *HTTPService {
	return newHTTP(srv, func(ctx context.Context) (net.Listener, error) {
		addr := srv.Addr
		if addr == "" {
			addr = ":http"
		}
		return new(net.ListenConfig).Listen(ctx, "tcp", addr)
	})
}

// Serve is [HTTP] on a listener that is there already: a unix socket, one that the
// process was started with, or one of a test in a bubble of testing/synctest. It
// belongs to the service from Start on, which closes it in its Stop; srv.Addr is
// not looked at.
func Serve(srv *http.Server, l net.Listener) *HTTPService {
	return newHTTP(srv, func(context.Context) (net.Listener, error) {
		if isNil(l) {
			return nil, errors.New("the listener is nil")
		}
		return l, nil
	})
}

func newHTTP(srv *http.Server, open func(context.Context) (net.Listener, error)) *HTTPService {
	return &HTTPService{srv: srv, open: open, log: safelog.NewLog(nil)}
}

// InheritLogger gives the service the logger of its host, for the address it
// listens on and for srv.ErrorLog if that is nil. The host calls it before Start.
func (s *HTTPService) InheritLogger(l *slog.Logger) { s.log.Inherit(l) }

// Addr is the address that is listened on, nil before Start. With port 0 in
// srv.Addr this is how to learn the port.
func (s *HTTPService) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Start listens and serves.
func (s *HTTPService) Start(ctx context.Context) error {
	if s.srv == nil {
		return errors.New("stead/hosted: http: the server is nil")
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	log := s.log.Logger
	if u := unitFrom(ctx); u != nil {
		log = log.With("service", u.name)
	}
	if s.srv.ErrorLog == nil && s.log.Source() != nil {
		s.srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelError)
	}
	s.lendContext(ctx)
	s.requests.count(s.srv)
	log.Info("listening", "address", s.Addr().String())
	go s.serve(listener)
	return nil
}

// lendContext gives requests the values of ctx, or those of srv.BaseContext and, in
// any case, the news that the host is stopping.
func (s *HTTPService) lendContext(ctx context.Context) {
	base, own := context.WithoutCancel(ctx), s.srv.BaseContext
	s.srv.BaseContext = func(l net.Listener) context.Context {
		if own == nil {
			return base
		}
		lent := own(l)
		if stop := stopctx.From(ctx); stop != nil && lent != nil { // of nil the server panics itself
			lent = stopctx.With(lent, stop)
		}
		return lent
	}
}

func (s *HTTPService) listen(ctx context.Context) (net.Listener, error) {
	s.mu.Lock()
	again := s.opened
	s.opened = true
	s.mu.Unlock()
	if again {
		return nil, errors.New("stead/hosted: http: the server was started before")
	}
	listener, err := s.open(ctx)
	if err != nil {
		s.mu.Lock()
		s.opened = false
		s.mu.Unlock()
		return nil, fmt.Errorf("stead/hosted: http: %w", err)
	}
	address := listener.Addr()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address, s.done = address, make(chan struct{})
	return foreign(listener), nil
}

func (s *HTTPService) serve(l net.Listener) {
	guard.Run(func() error {
		if tls := s.srv.TLSConfig; tls != nil && (len(tls.Certificates) > 0 || tls.GetCertificate != nil || tls.GetConfigForClient != nil) {
			return s.srv.ServeTLS(l, "", "")
		}
		return s.srv.Serve(l)
	}, func(err error) {
		if !errs.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("stead/hosted: http: %w", err)
		}
		close(s.done)
	})
}

// Stop ends the server; see [HTTP].
func (s *HTTPService) Stop(ctx context.Context) error {
	done := s.Done()
	if done == nil {
		return nil
	}
	graceful := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		graceful, cancel = context.WithDeadline(ctx, deadline.Add(-reserve(deadline)))
		defer cancel()
	}
	defer time.AfterFunc(500*time.Millisecond, s.requests.closeSilent).Stop()
	err := s.srv.Shutdown(graceful)
	if err == nil {
		// With HTTP/2 a request can be over for the server before its handler is.
		err = s.requests.wait(graceful)
	}
	if err != nil {
		err = s.cut(ctx, err)
	}
	select {
	case <-done: // Serve returns as soon as Shutdown begins
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// cut closes all connections, which ends the contexts of their requests, and gives
// the handlers half of the time that is left to return.
func (s *HTTPService) cut(ctx context.Context, why error) error {
	what := "connections were cut"
	if n := s.requests.inHand(); n > 0 {
		what = fmt.Sprintf("%d requests were cut", n)
	}
	err := fmt.Errorf("stead/hosted: http: %s: %w", what, errors.Join(why, s.srv.Close()))
	if deadline, ok := ctx.Deadline(); ok {
		patient, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
		_ = s.requests.wait(patient) // who is not back by then is Stuck
	}
	return err
}

// Stuck is how many requests have handlers that run now: after Stop, those that it
// left behind. Connections that were hijacked do not count.
func (s *HTTPService) Stuck() int { return s.requests.inHand() }

// reserve is what is kept of the time until deadline for cutting connections.
func reserve(deadline time.Time) time.Duration {
	return max(0, min(time.Until(deadline)/10, time.Second))
}

// Done is closed when the server no longer serves; it is nil before Start.
func (s *HTTPService) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// Err says why serving ended; nil before that and after Stop.
func (s *HTTPService) Err() error {
	select {
	case <-s.Done():
		return s.err
	default:
		return nil
	}
}

// Probes is a small server of its own with /livez and /readyz, for programs
// without HTTP and for keeping probes off the public port. Add it first, so that
// it answers while the others start and until they have stopped:
//
//	host.Add("probes", host.Probes(":8081"))
func (h *Host) Probes(addr string) *HTTPService {
	mux := http.NewServeMux()
	mux.Handle("/livez", h.LiveHandler())
	mux.Handle("/livez/", h.LiveHandler())
	mux.Handle("/readyz", h.ReadyHandler())
	mux.Handle("/readyz/", h.ReadyHandler())
	return HTTP(&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
}
