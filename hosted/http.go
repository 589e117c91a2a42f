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
	"github.com/steadgo/stead/internal/safelog"
	stopctx "github.com/steadgo/stead/internal/stopping"
)

// HTTPService serves an http.Server as a [Service]; make one with [HTTP], [Serve] or
// [Listen].
type HTTPService struct {
	srv  *http.Server
	open func(ctx context.Context) (net.Listener, error)
	run  func(*http.Server, net.Listener) error // Serve; see TLS
	tls  bool
	log  safelog.Log

	mu       sync.Mutex
	opened   bool
	address  net.Addr // nil: not started
	done     chan struct{}
	err      error
	requests requests
	over     atomic.Bool // a Stop has returned
}

// HTTP makes a Service of an http.Server. Start listens on srv.Addr, so that a
// port in use fails the start, and returns when connections are accepted; with
// certificates in srv.TLSConfig it serves TLS. Stop lets requests finish until
// shortly before its deadline and then cuts what is left, which is an error with
// their number; handlers that do not return then either make the service a
// straggler, with their stacks. A connection on which no request has begun, such
// as the spare ones of a browser, has half a second for it, or a quarter of a stop that
// is short, and so has one whose handler is over for the rest of the request's body.
// Both are closed then, which is no error.
//
// In a concurrent start, what wants Addr is a service that comes [After] this one.
//
// srv.BaseContext, if nil, is set so that requests see the values of the host's
// context and [Host.Stop] knows them as its own; srv.ErrorLog, if nil, so that the
// panics of handlers are in the host's log at the level Error, what the program does
// wrong at Warn, and what clients do, such as a failed TLS handshake, at Debug. srv.Handler,
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

// Listen is [HTTP] on a listener that is opened when it is the service's turn to
// start: on a unix socket, with options of a kind, or with TLS of its own. ctx is that
// of Start and bounds listen only. The listener belongs to the service, which closes
// it in its Stop; srv.Addr is not looked at. An error fails the start.
func Listen(srv *http.Server, listen func(ctx context.Context) (net.Listener, error)) *HTTPService {
	return newHTTP(srv, func(ctx context.Context) (net.Listener, error) {
		if listen == nil {
			return nil, errors.New("the function that listens is nil")
		}
		l, err := listen(ctx)
		if err == nil && isNil(l) {
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
	s.tls, s.run = true, func(srv *http.Server, l net.Listener) error { return srv.ServeTLS(l, "", "") }
	return s
}

func newHTTP(srv *http.Server, open func(context.Context) (net.Listener, error)) *HTTPService {
	return &HTTPService{srv: srv, open: open, run: (*http.Server).Serve, log: safelog.NewLog(nil)}
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
	if c := s.srv.TLSConfig; s.tls != (c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil)) {
		if s.tls {
			return errors.New("stead/hosted: http: TLS needs certificates in the server's TLSConfig")
		}
		return errors.New("stead/hosted: http: the server's TLSConfig has certificates, which only a service made by hosted.TLS serves")
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
	listener, err := s.open(ctx) // of the user, so without the lock, and it may panic
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
		return s.run(s.srv, l)
	}, func(err error) {
		if !errs.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("stead/hosted: http: %w", err)
		}
		close(s.done)
	})
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
