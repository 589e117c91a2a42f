package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/hosted"
)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestEveryRouterLeadsToTheParts(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			host := hosted.New(hosted.Config{Name: "shop"})
			signedUp := ""
			h := router(parts{
				signUp: func(_ http.ResponseWriter, r *http.Request) { signedUp = r.FormValue("email") },
				live:   host.LiveHandler(), ready: host.ReadyHandler(), page: dashboard.New(host, dashboard.Config{}),
			})
			do := func(method, path, body string) (int, string) {
				r := httptest.NewRequest(method, path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Code, w.Body.String()
			}
			if code, _ := do(http.MethodPost, "/signup", url.Values{"email": {"ada"}}.Encode()); code != http.StatusOK || signedUp != "ada" {
				t.Errorf("sign-up: %d, %q", code, signedUp)
			}
			if code, _ := do(http.MethodGet, "/livez", ""); code != http.StatusOK {
				t.Errorf("/livez: %d", code)
			}
			if code, _ := do(http.MethodGet, "/readyz", ""); code != http.StatusServiceUnavailable {
				t.Errorf("/readyz before the start: %d", code)
			}
			if code, page := do(http.MethodGet, "/admin/", ""); code != http.StatusOK || !strings.Contains(page, "shop") {
				t.Errorf("/admin/: %d", code)
			}
		})
	}
}

// waiting has a call that waits until its context is done.
func waiting(entered chan<- struct{}) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{ServiceName: "test.Waiting", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
		StreamName: "Wait", ServerStreams: true, ClientStreams: true,
		Handler: func(_ any, s grpc.ServerStream) error {
			close(entered)
			<-s.Context().Done()
			return s.Context().Err()
		},
	}}}
}

func TestAGRPCServerStopsWithinTheBudgetAndSaysThatItIsGoing(t *testing.T) {
	s, entered := newGRPC("127.0.0.1:0"), make(chan struct{})
	s.server.RegisterService(waiting(entered), nil)
	host := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
	host.Add("grpc", s)
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(s.listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	watch, err := healthpb.NewHealthClient(conn).Watch(t.Context(), &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := watch.Recv(); err != nil || now.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("after the start: %v, %v", now, err)
	}
	if _, err := conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Waiting/Wait"); err != nil {
		t.Fatal(err)
	}
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- host.Stop(context.Background()) }()
	if now, err := watch.Recv(); err != nil || now.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("when the stop begins: %v, %v", now, err)
	}
	if err := <-stopped; err == nil {
		t.Error("a call was cut, and the stop does not say so")
	}
	if left := host.Report().Stragglers; len(left) > 0 {
		t.Errorf("did not return: %v", left)
	}
}

func TestProgramServesBehindARouterAndStops(t *testing.T) {
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-grpc", "127.0.0.1:0", "-router", "chi"}}.Start(t)
	address := p.WaitFor(`service=site address=(\S+)`)[1]
	p.WaitFor("host started")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/admin/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	if _ = resp.Body.Close(); err != nil || !strings.Contains(string(page), "emails") {
		t.Errorf("the dashboard: %s, %v", resp.Status, err)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
