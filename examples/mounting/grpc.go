package main

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// grpcService is a gRPC server as a hosted service, with the health service that
// Kubernetes and load balancers ask.
type grpcService struct {
	addr     string
	server   *grpc.Server
	health   *health.Server
	listener net.Listener
	done     chan struct{}
	err      error // once done is closed
}

func newGRPC(addr string) *grpcService {
	s := &grpcService{addr: addr, server: grpc.NewServer(), health: health.NewServer(), done: make(chan struct{})}
	healthpb.RegisterHealthServer(s.server, s.health)
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	return s // register your services with s.server
}

// Start binds, so that a port in use fails the start.
func (s *grpcService) Start(ctx context.Context) (err error) {
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.addr); err != nil {
		return err
	}
	go func() {
		s.err = s.server.Serve(s.listener) // nil after a stop
		close(s.done)
	}()
	return nil
}

// Done and Err tell the host if the server ends by itself.
func (s *grpcService) Done() <-chan struct{} { return s.done }
func (s *grpcService) Err() error            { return s.err }

// Started welcomes calls. The host calls it when every service has started.
func (s *grpcService) Started(context.Context) error {
	s.health.Resume()
	return nil
}

// Stopping sends clients elsewhere. The host calls it before the first service stops.
func (s *grpcService) Stopping(context.Context) error {
	s.health.Shutdown()
	return nil
}

// Stop waits for the calls that are running. A tenth of its time before the deadline it
// cancels their contexts and closes the connections: the host waits no longer than that.
func (s *grpcService) Stop(ctx context.Context) error {
	patience := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var release context.CancelFunc
		patience, release = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/10))
		defer release()
	}
	cut := context.AfterFunc(patience, s.server.Stop)
	s.server.GracefulStop() // returns when Stop has ended the calls, at the latest
	<-s.done
	if !cut() {
		return patience.Err()
	}
	return nil
}
