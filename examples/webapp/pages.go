package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed templates static
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"ago": func(t time.Time) string { return time.Since(t).Round(time.Second).String() },
}).ParseFS(files, "templates/*.html"))

// render writes a page, or an error instead of half a page.
func (s *site) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

type homePage struct {
	Message  string
	Failed   bool
	Typed    string // into the form, so that it can be corrected
	Products []product
}

func (s *site) home(page homePage) homePage {
	if list := s.products.cached.Load(); list != nil {
		page.Products = list.Products
	}
	return page
}

func (s *site) showHome(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusOK, "home.html", s.home(homePage{}))
}

const mailsShown = 50

func (s *site) showMails(w http.ResponseWriter, _ *http.Request) {
	stats := s.emails.stats()
	s.render(w, http.StatusOK, "mails.html", struct {
		Mails     []caught
		Elsewhere bool // another process sends them
		Real      bool // they go to a real server
		Waiting   int
	}{s.catcher.newest(mailsShown), !s.role.sends(), s.catcher.addr() == "", stats.Depth + stats.InProgress + stats.Parked})
}

func (s *site) listMails(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.catcher.newest(0))
}

// listProducts also says how often the slow system behind the cache was asked.
func (s *site) listProducts(w http.ResponseWriter, _ *http.Request) {
	list, err := s.products.get()
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The products are not available right now.", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		*catalogue
		OriginCalls int64 `json:"origin_calls"`
	}{list, s.products.origin.calls.Load()})
}
