package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/steadgo/stead/hosted"
)

// needsIndex lets a request wait a moment for the index and then tells it to come
// back. A request's context knows its host, so it can ask the coordinator too.
func needsIndex(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 100*time.Millisecond)
		defer cancel()
		if err := hosted.Coordinator(r.Context()).Wait(ctx, "index"); err != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "The index is not there yet: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		next(w, r)
	})
}

func (x *index) serveSearch(w http.ResponseWriter, r *http.Request) {
	words := strings.TrimSpace(r.FormValue("q"))
	if words == "" {
		http.Error(w, "What for? Try /search?q=shutdown", http.StatusBadRequest)
		return
	}
	hits, err := x.search(r.Context(), words)
	if err != nil {
		http.Error(w, "The search failed.", http.StatusInternalServerError)
		return
	}
	// As text, so that the content of a file is never taken for HTML.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if len(hits) == 0 {
		fmt.Fprintln(w, "Nothing found.")
	}
	for _, h := range hits {
		fmt.Fprintf(w, "%s\n    %s\n\n", h.Path, strings.Join(strings.Fields(h.Snippet), " "))
	}
}

func showForm(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>Search</title>
<form action="search"><label>Find pages with <input name="q" autofocus></label> <button>Search</button></form></html>`)
}
