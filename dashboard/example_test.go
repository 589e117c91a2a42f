package dashboard_test

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// mailer is a host with one queue.
func mailer() *hosted.Host {
	host := hosted.New(hosted.Config{Name: "mailer"})
	queue, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100})
	if err != nil {
		panic(err)
	}
	workers, err := channelq.NewWorkers(queue, func(context.Context, string) error { return nil }, channelq.WorkerConfig[string]{})
	if err != nil {
		panic(err)
	}
	host.Add("emails", workers)
	return host
}

// The page below /admin/, for those who know the password, to read and to act.
func ExampleNew() {
	host := mailer()
	password := "from the environment, never from the source"
	administrator := func(r *http.Request) error {
		user, given, _ := r.BasicAuth()
		if password == "" || user != "admin" || subtle.ConstantTimeCompare([]byte(given), []byte(password)) != 1 {
			return errors.New("administrators only")
		}
		return nil
	}
	dash := dashboard.New(host, dashboard.Config{
		Authorize: func(r *http.Request, _ dashboard.Action) error { return administrator(r) },
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/admin/", func(w http.ResponseWriter, r *http.Request) {
		if err := administrator(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="admin"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		dash.ServeHTTP(w, r)
	})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/admin/queues", nil))
	fmt.Println(w.Code)
	r := httptest.NewRequest(http.MethodGet, "/admin/queues", nil)
	r.SetBasicAuth("admin", password)
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output:
	// 401
	// 200 text/html; charset=utf-8
}

// Added to its host, a dashboard keeps the history of the charts while nobody
// looks. On a server of its own that is added first it shows a stop to the end.
func ExampleDashboard() {
	host := mailer()
	dash := dashboard.New(host, dashboard.Config{})
	host.Add("admin", hosted.HTTP(&http.Server{Addr: "localhost:0", Handler: dash}))
	host.Add("dashboard", dash)
	fmt.Println(host.Start(context.Background()), host.Stop(context.Background()))
	// Output: <nil> <nil>
}

// State is for those who make a page of their own.
func ExampleDashboard_State() {
	dash := dashboard.New(mailer(), dashboard.Config{})
	state := dash.State()
	fmt.Println(state.Host, state.Phase, state.Verdict)
	for _, q := range state.Queues {
		fmt.Printf("%s: %d of %d\n", q.Name, q.Depth, q.Capacity)
	}
	// Output:
	// mailer starting ok
	// emails: 0 of 100
}

// The same as JSON, with its schema beside it at api/v1/schema.json.
func ExampleState() {
	dash := dashboard.New(mailer(), dashboard.Config{})
	w := httptest.NewRecorder()
	dash.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/state", nil))
	var state dashboard.State
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		fmt.Println(err)
	}
	fmt.Println(state.Version, state.Headline, state.Queues[0].Mode)
	// Output: 1 Starting wait
}

// Backups may be started by everybody and paused by nobody.
func ExampleAction() {
	authorize := func(_ *http.Request, a dashboard.Action) error {
		if a.Kind == dashboard.KindSchedule && a.Name == "backup" && a.Verb != dashboard.Trigger {
			return errors.New("backups are not paused")
		}
		return nil
	}
	fmt.Println(authorize(nil, dashboard.Action{Verb: dashboard.Trigger, Kind: dashboard.KindSchedule, Name: "backup"}))
	fmt.Println(authorize(nil, dashboard.Action{Verb: dashboard.Pause, Kind: dashboard.KindSchedule, Name: "backup"}))
	// Output:
	// <nil>
	// backups are not paused
}
