package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

const (
	maxBody  = 64 << 10
	aDay     = 24 * time.Hour
	shownMax = 100
)

func routes(host *hosted.Host, tasks *table, poll *periodic.Job) http.Handler {
	mux := http.NewServeMux()

	// A webhook is acknowledged as soon as its event is in the table, not when it
	// has been dealt with: who sends it waits only seconds and sends it again
	// otherwise. For the same reason it comes with a key, by which the second one
	// is known.
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			http.Error(w, "The header Idempotency-Key is missing.", http.StatusBadRequest)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			refuse(w, err)
			return
		}
		accept(w, r, tasks, poll, task{Key: "webhook " + key, Text: string(body), Due: time.Now()})
	})

	// In 24 hours this process may not be there any more. The row is.
	mux.HandleFunc("POST /reminders", func(w http.ResponseWriter, r *http.Request) {
		var wish struct {
			Text string `json:"text"`
			In   string `json:"in"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&wish); err != nil || wish.Text == "" {
			refuse(w, err)
			return
		}
		in := aDay
		if wish.In != "" {
			var err error
			if in, err = time.ParseDuration(wish.In); err != nil || in < 0 {
				http.Error(w, `"in" is a time such as "24h" or "90s".`, http.StatusBadRequest)
				return
			}
		}
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			key = rand.Text()
		}
		accept(w, r, tasks, poll, task{Key: "reminder " + key, Text: wish.Text, Due: time.Now().Add(in)})
	})

	mux.HandleFunc("GET /tasks", func(w http.ResponseWriter, r *http.Request) {
		list, err := tasks.list(r.Context(), shownMax)
		if err != nil {
			http.Error(w, "The table does not answer.", http.StatusServiceUnavailable)
			return
		}
		answer(w, http.StatusOK, list)
	})
	mux.Handle("GET /{$}", http.RedirectHandler("/admin/", http.StatusSeeOther))
	mux.Handle("/admin/", http.StripPrefix("/admin", dashboard.New(host, dashboard.Config{})))
	mux.Handle("GET /livez", host.LiveHandler())
	mux.Handle("GET /readyz", host.ReadyHandler())
	return http.NewCrossOriginProtection().Handler(mux)
}

// accept answers 202 when the task is in the table, whether it is new or was there:
// who sends it again wants to hear the same.
func accept(w http.ResponseWriter, r *http.Request, tasks *table, poll *periodic.Job, t task) {
	isNew, err := tasks.add(r.Context(), t.Key, t.Text, t.Due)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The table does not answer.", http.StatusServiceUnavailable)
		return
	}
	if isNew && !t.Due.After(time.Now()) {
		// Only to be quicker: the next look at the table would find it too.
		_ = poll.Trigger()
	}
	answer(w, http.StatusAccepted, map[string]any{"key": t.Key, "due": t.Due, "known": !isNew})
}

func refuse(w http.ResponseWriter, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		http.Error(w, "The body is too long.", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, `The body is not JSON like {"text": "water the plants", "in": "24h"}.`, http.StatusBadRequest)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // what fails is the connection
}
