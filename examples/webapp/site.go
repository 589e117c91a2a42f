package main

import (
	"log/slog"
	"net/http"

	"github.com/steadgo/stead/hosted"
)

// site is what the pages show and do.
type site struct {
	role     role
	host     *hosted.Host
	emails   outbox
	products *products
	catcher  *catcher
	log      *slog.Logger
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	if s.role.serves() {
		mux.HandleFunc("GET /{$}", s.showHome)
		mux.HandleFunc("POST /signup", s.signUp)
		mux.HandleFunc("GET /products", s.listProducts)
	} else {
		mux.Handle("GET /{$}", http.RedirectHandler("/mails", http.StatusSeeOther))
	}
	mux.HandleFunc("GET /mails", s.showMails)
	mux.HandleFunc("GET /mails.json", s.listMails)
	mux.Handle("GET /static/", http.FileServerFS(files))

	mux.Handle("GET /livez", s.host.LiveHandler())
	mux.Handle("GET /readyz", s.host.ReadyHandler())
	mux.Handle("GET /readyz/", s.host.ReadyHandler())

	return http.NewCrossOriginProtection().Handler(secure(mux))
}

// secure sets the headers that every page has, unless it sets stricter ones. Nothing
// is loaded from anywhere else, and no script is inline.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
