package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

var pages = map[string]string{
	"/{$}":        `<h1>Tents</h1> <a href="about">About</a> <a href="/products">Products</a> <a href="moved">Old page</a>`,
	"/about":      `<a href="/">Home</a> <a href="/team#anna">Anna</a> <a href="mailto:anna@example.com">Write</a>`,
	"/products":   `<a href="/products/1">One</a> <a href="/products/2">Two</a> <a href="/products/3">Three</a> <img src="/tent.png">`,
	"/products/1": `<a href="/products">Back</a> <a href="/manual.pdf">Manual</a>`,
	"/products/2": `<a href="/products">Back</a> <a href="http://127.0.0.1:1/">The maker, who has gone</a>`,
}

// brokenSite is something to walk through. Three of its links are broken; /team
// answers at the second attempt, and /moved has moved.
func brokenSite() *http.Server {
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, page)
		})
	}
	mux.Handle("GET /moved", http.RedirectHandler("/about", http.StatusMovedPermanently))
	mux.HandleFunc("GET /tent.png", func(http.ResponseWriter, *http.Request) {})
	var asked atomic.Int64
	mux.HandleFunc("GET /team", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 1 {
			http.Error(w, "back in a moment", http.StatusServiceUnavailable)
		}
	})
	return &http.Server{Addr: "127.0.0.1:0", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
}
