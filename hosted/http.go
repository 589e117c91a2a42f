package hosted

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// HTTPService serves an http.Server as a [Service]; make one with [HTTP].
type HTTPService struct {
	srv *http.Server

	mu       sync.Mutex
	listener net.Listener
	done     chan struct{}
	err      error
	silent   map[net.Conn]struct{} // connections without a request so far
}

// HTTP makes a Service of an http.Server. Start listens on srv.Addr, so that a
// port in use fails the start, and returns when connections are accepted; with
// certificates in srv.TLSConfig it serves TLS. Stop lets requests finish until
// shortly before its deadline and then closes what is left, which is an error. A
// connection on which no request has begun, such as the spare ones of a browser,
// has half a second for it.
//
// In a concurrent start, what wants Addr is a service that comes [After] this one.
//
// srv.BaseContext, if nil, is set so that requests see the values of the host's
// context and [Host.Stop] knows them as its own. srv can be served once; to
// restart it use [Fresh]. Long streams do not end with Shutdown: end them from
// srv.RegisterOnShutdown or with the context of the service that feeds them.
func HTTP(srv *http.Server) *HTTPService { return &HTTPService{srv: srv} }

// Addr is the address that is listened on, nil before Start. With port 0 in
// srv.Addr this is how to learn the port.
func (s *HTTPService) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Start listens and serves.
func (s *HTTPService) Start(ctx context.Context) error {
	if s.srv == nil {
		return errors.New("stead/hosted: http: the server is nil")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done != nil {
		return errors.New("stead/hosted: http: the server was started before")
	}
	addr := s.srv.Addr
	if addr == "" {
		addr = ":http"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("stead/hosted: http: %w", err)
	}
	if s.srv.BaseContext == nil {
		base := context.WithoutCancel(ctx)
		s.srv.BaseContext = func(net.Listener) context.Context { return base }
	}
	s.listener, s.done, s.silent = listener, make(chan struct{}), map[net.Conn]struct{}{}
	tell := s.srv.ConnState
	s.srv.ConnState = func(c net.Conn, state http.ConnState) {
		s.note(c, state)
		if tell != nil {
			tell(c, state)
		}
	}
	go s.serve(listener)
	return nil
}

func (s *HTTPService) serve(l net.Listener) {
	var err error
	if tls := s.srv.TLSConfig; tls != nil && (len(tls.Certificates) > 0 || tls.GetCertificate != nil || tls.GetConfigForClient != nil) {
		err = s.srv.ServeTLS(l, "", "")
	} else {
		err = s.srv.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		s.err = fmt.Errorf("stead/hosted: http: %w", err)
	}
	close(s.done)
}

// note is told of every change of a connection's state; the first one is new.
func (s *HTTPService) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.silent[c] = struct{}{}
	} else {
		delete(s.silent, c)
	}
}

// closeSilent closes connections that never said anything. Shutdown itself waits
// five seconds for these, which is most of many a budget.
func (s *HTTPService) closeSilent() {
	s.mu.Lock()
	silent := slices.Collect(maps.Keys(s.silent))
	s.mu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
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
	defer time.AfterFunc(500*time.Millisecond, s.closeSilent).Stop()
	err := s.srv.Shutdown(graceful)
	if err != nil {
		err = fmt.Errorf("stead/hosted: http: connections were cut: %w", errors.Join(err, s.srv.Close()))
	}
	select {
	case <-done: // Serve returns as soon as Shutdown begins
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

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
