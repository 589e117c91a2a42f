package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/internal/safelog"
	stopctx "github.com/steadgo/stead/internal/stopping"
)

// HTTPService is a [Service] that serves an http.Server. [HTTP], [Serve] and [Listen]
// create it.
type HTTPService struct {
	srv  *http.Server
	open func(ctx context.Context) (net.Listener, error)
	run  func(*http.Server, net.Listener) error // Serve; see TLS
	tls  bool
	log  safelog.Log

	mu       sync.Mutex
	opened   bool
	address  net.Addr // nil means not started
	done     chan struct{}
	err      error
	requests requests
	over     atomic.Bool // a Stop has returned
}

// HTTP creates a Service from an http.Server. Start listens on srv.Addr, so that a port
// in use fails the start, and returns when connections are accepted. For TLS, see [TLS].
//
// Stop lets requests finish until shortly before its deadline. It then cuts the remaining
// connections and returns an error with their number. If handlers do not return then, the
// service is a straggler, with their stacks. Stop also closes connections that wait for a
// client: those on which no request has begun, such as the spare ones of a browser, and
// those whose handler has returned before the rest of the request's body came. They have
// half a second, or a quarter of a short stop, and closing them is no error.
//
// In a parallel start, a service that needs Addr must come [After] this one.
//
// If srv.BaseContext is nil, HTTP sets it, so that requests see the values of the host's
// context and [Host.Stop] recognizes them. If srv.ErrorLog is nil, HTTP sets it to the
// logger of the host: panics of handlers are logged at Error, mistakes of the program at
// Warn, and what clients do, such as a failed TLS handshake, at Debug. HTTP wraps
// srv.Handler, srv.ConnState and srv.ConnContext to count requests.
//
// srv can be served once. To restart it, use [Fresh]. Long streams do not end with
// Shutdown: end them from srv.RegisterOnShutdown, or with the context of the service that
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

// Serve creates a Service like [HTTP], on a listener that exists already: a unix socket,
// a listener that the process was started with, or one of a test in a testing/synctest
// bubble. The service owns the listener from Start on, and closes it in Stop. Serve
// ignores srv.Addr.
func Serve(srv *http.Server, l net.Listener) *HTTPService {
	return newHTTP(srv, func(context.Context) (net.Listener, error) {
		if nils.Is(l) {
			return nil, errors.New("the listener is nil")
		}
		return l, nil
	})
}

// Listen creates a Service like [HTTP], on a listener that Start opens: a unix socket, or
// a listener with options or TLS of its own. The ctx of listen is that of Start and
// bounds listen only. The service owns the listener and closes it in Stop. Listen ignores
// srv.Addr. If listen returns an error, the start fails.
func Listen(srv *http.Server, listen func(ctx context.Context) (net.Listener, error)) *HTTPService {
	return newHTTP(srv, func(ctx context.Context) (net.Listener, error) {
		if listen == nil {
			return nil, errors.New("the function that listens is nil")
		}
		l, err := listen(ctx)
		if err == nil && nils.Is(l) {
			return nil, errors.New("the function that listens returned no listener")
		}
		return l, err
	})
}

// TLS makes s serve TLS with the certificates of its server's TLSConfig, and returns s:
//
//	host.Add("https", hosted.TLS(hosted.HTTP(srv)))
//
// Call it before Start. It is apart from [HTTP] because a TLS server adds 0.4 MB to a
// program. Start fails if a server has certificates and its service is not made by TLS,
// or the other way round. For a listener that speaks TLS itself, leave the certificates
// out of the server's TLSConfig.
func TLS(s *HTTPService) *HTTPService {
	if s == nil {
		s = HTTP(nil) // its Start returns the error
	}
	s.tls, s.run = true, func(srv *http.Server, l net.Listener) error { return srv.ServeTLS(l, "", "") }
	return s
}

func newHTTP(srv *http.Server, open func(context.Context) (net.Listener, error)) *HTTPService {
	return &HTTPService{srv: srv, open: open, run: (*http.Server).Serve, log: safelog.NewLog(nil)}
}

// InheritLogger sets the logger for the address that the service listens on, and for
// srv.ErrorLog if that is nil. The host calls it before Start.
func (s *HTTPService) InheritLogger(l *slog.Logger) { s.log.Inherit(l) }

// Addr returns the address that the service listens on, or nil before Start. If the port
// in srv.Addr is 0, Addr has the port that was chosen.
func (s *HTTPService) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Start listens and serves. It returns an error if the service was started before.
func (s *HTTPService) Start(ctx context.Context) error {
	if s.srv == nil {
		return errors.New("stead/hosted: http: the server is nil")
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	log := s.logOf(ctx)
	if s.srv.ErrorLog == nil && s.log.Source() != nil {
		s.srv.ErrorLog = errorLog(log)
	}
	s.lendContext(ctx)
	s.requests.count(s.srv)
	log.Info("listening", "address", s.Addr().String())
	go s.serve(listener)
	return nil
}

// logOf has the name of the service whose context this is.
func (s *HTTPService) logOf(ctx context.Context) *slog.Logger {
	if u := unitFrom(ctx); u != nil {
		return s.log.With("service", u.name)
	}
	return s.log.Logger
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
	err := s.checkTLS() // not before: once it serves, TLSConfig is the server's
	var listener net.Listener
	if err == nil {
		listener, err = s.open(ctx) // of the user, so without the lock, and it may panic
	}
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

func (s *HTTPService) checkTLS() error {
	c := s.srv.TLSConfig
	has := c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil)
	switch {
	case has == s.tls:
		return nil
	case has:
		return errors.New("TLSConfig has certificates, which only a service made by hosted.TLS serves")
	default:
		return errors.New("TLS needs certificates in TLSConfig")
	}
}

func (s *HTTPService) serve(l net.Listener) {
	guard.Run(func() error {
		return s.run(s.srv, l)
	}, func(err error) {
		if !errs.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("stead/hosted: http: %w", err)
		}
		close(s.done)
	})
}

// Done returns a channel that is closed when the server no longer serves. It is nil
// before Start.
func (s *HTTPService) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// Err returns why serving ended. It is nil while the server serves, and after Stop.
func (s *HTTPService) Err() error {
	select {
	case <-s.Done():
		return s.err
	default:
		return nil
	}
}

// Probes creates a small server with /livez and /readyz, for programs without HTTP and to
// keep probes off the public port. Add it first, so that it answers while other services
// start and until they have stopped:
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
