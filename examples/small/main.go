// Command small is a whole application, explained in docs/app.md. peers.go has what it
// talks to.
//
//	ADMIN_PASSWORD=secret go run ./examples/small
//	curl -d email=ada@example.com localhost:8080/signup
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	_ "modernc.org/sqlite"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/channelq/spool"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

func main() {
	addr := flag.String("addr", ":8080", "address of the site")
	adminAddr := flag.String("admin", "127.0.0.1:8081", "address of the probes, metrics and dashboard")
	budget := flag.Duration("shutdown-timeout", 25*time.Second, "budget of the stop")
	flag.Parse()

	db := must(sql.Open("sqlite", "file:small.db?_pragma=busy_timeout(2000)")) // below the budget: the wait for a lock sees no context
	emails := must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100}))
	s := &shop{db: db, emails: emails, password: cmp.Or(os.Getenv("ADMIN_PASSWORD"), rand.Text())}
	unsent := spool.New[string]("unsent.jsonl") // the mails that a stop has no time for
	senders := must(channelq.NewWorkers(emails, s.send, channelq.WorkerConfig[string]{
		Concurrency: 4, Timeout: 10 * time.Second, Retry: channelq.Retry{Attempts: 5}, OnLeftover: unsent.Save,
	}))
	night := periodic.MustDailyAt("02:30", must(time.LoadLocation("Europe/Berlin")))
	cleanUp := must(periodic.New(periodic.Config{Name: "clean-up", Schedule: night},
		s.exec("DELETE FROM sent WHERE at < unixepoch() - 30*86400")))
	forever := hosted.Restart(hosted.RestartConfig{Limit: -1})

	host := hosted.New(hosted.Config{Name: "small", Logger: slog.Default(), ShutdownTimeout: *budget})
	host.Add("db", hosted.Closer(db))                                                        // first, so closed last
	host.Task("migrate", s.exec("CREATE TABLE IF NOT EXISTS sent (email TEXT, at INTEGER)")) // the next services wait for it
	host.Add("emails", senders)                                                              // before everything that enqueues
	host.Task("unsent", func(ctx context.Context) error { _, err := unsent.Load(ctx, emails); return err })
	host.Add("clean-up", cleanUp)
	host.Go("rates", followRates, hosted.OnFailure(forever), hosted.NotCritical())
	host.Add("admin", hosted.HTTP(&http.Server{Addr: *adminAddr, Handler: s.admin(host), ReadHeaderTimeout: 5 * time.Second}))
	host.Add("site", hosted.HTTP(&http.Server{Addr: *addr, Handler: http.HandlerFunc(s.signUp), ReadHeaderTimeout: 5 * time.Second}))
	hosted.Main(host)
}

type shop struct {
	db       *sql.DB
	emails   *channelq.Queue[string]
	password string
}

func (s *shop) signUp(w http.ResponseWriter, r *http.Request) {
	switch err := s.emails.TryEnqueue(r.FormValue("email")); {
	case errors.Is(err, channelq.ErrFull):
		http.Error(w, "too many sign-ups, try again in a minute", http.StatusTooManyRequests)
	case err != nil: // the program stops
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *shop) admin(host *hosted.Host) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	page := dashboard.New(host, dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error { return nil }})
	mux := http.NewServeMux()
	mux.Handle("/livez", host.LiveHandler())
	mux.Handle("/readyz", host.ReadyHandler())
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); subtle.ConstantTimeCompare([]byte(given), []byte(s.password)) == 1 {
			page.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Basic")
		http.Error(w, "the password, please", http.StatusUnauthorized)
	})
	return mux
}

func (s *shop) exec(query string) func(context.Context) error {
	return func(ctx context.Context) error { _, err := s.db.ExecContext(ctx, query); return err }
}

// must is for what can only fail because the program was written wrongly.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
