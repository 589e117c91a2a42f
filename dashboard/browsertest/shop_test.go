//go:build extra

package browsertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// shop is a host that has something of everything, on a real server.
type shop struct {
	host    *hosted.Host
	queue   *channelq.Queue[string]
	workers *channelq.Workers[string]
	job     *periodic.Job
	runs    atomic.Int64
	dash    *dashboard.Dashboard
	base    string // where the page is, with the slash
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// open starts a shop whose page is below a prefix such as /admin.
func open(t *testing.T, prefix string, cfg dashboard.Config) *shop {
	t.Helper()
	s := &shop{host: hosted.New(hosted.Config{Name: "shop"})}
	s.queue = must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 20}))
	s.workers = must(channelq.NewWorkers(s.queue, func(_ context.Context, item string) error {
		switch item {
		case "bad":
			return channelq.Permanent(errors.New("smtp: 550 no such mailbox"))
		case "later":
			return channelq.RetryAfter(errors.New("smtp: 451 try later"), time.Hour)
		}
		return nil
	}, channelq.WorkerConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}}))
	// Never due during a test; its text is as long as most get.
	berlin := must(time.LoadLocation("Europe/Berlin"))
	yearly := periodic.Except(must(periodic.Cron("30 2 1-7 JAN MON-FRI", berlin)), must(calendar.Holidays(berlin, "01-01", "01-06")))
	s.job = must(periodic.New(periodic.Config{Name: "report", Schedule: yearly}, func(context.Context) error {
		s.runs.Add(1)
		return nil
	}))
	s.host.Task("migrate", func(context.Context) error { return nil })
	s.host.Add("mailer", s.workers, hosted.After("migrate"))
	s.host.Add("reports", s.job, hosted.After("mailer"))
	s.host.Go("import", func(context.Context) error { return errors.New("open legacy.db: permission denied") }, hosted.OnFailure(hosted.Ignore()))
	cfg.Interval = 200 * time.Millisecond // a browser that is short of CPU falls behind with more
	s.dash = dashboard.New(s.host, cfg)
	s.host.Add("dashboard", s.dash)
	if err := s.host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.base = serve(t, s.host, http.StripPrefix(prefix, s.dash)).URL + prefix + "/"
	for _, item := range []string{"bad", "bad", "later", "good"} {
		s.put(t, item)
	}
	eventually(t, "each item has had its attempt", func() bool { // or rows would come while a test points at one
		n := s.workers.Stats()
		return n.GaveUp == 2 && n.Parked == 1 && n.Handled == 1
	})
	return s
}

// serve puts a page of a host on a real server. At the end the host is stopped first, which
// ends the streams: a browser may connect again at any time, and Close waits for a stream
// without a bound.
func serve(t *testing.T, host *hosted.Host, page http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(page)
	t.Cleanup(func() {
		_ = host.Stop(context.Background())
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func (s *shop) put(t *testing.T, item string) {
	t.Helper()
	if err := s.queue.Enqueue(t.Context(), item); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something on the server.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Errorf("it never happened: %s", what)
}

func allow(*http.Request, dashboard.Action) error { return nil }

var pages = []string{"", "services", "queues", "queue?name=emails", "schedules", "schedule?name=report", "failures", "stop", "service?name=import", "item?name=failure/1/mailer/emails"}

// listen serves on an address and returns the port.
func listen(t *testing.T, addr string, h http.Handler) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: patience}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
