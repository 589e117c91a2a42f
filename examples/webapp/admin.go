package main

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

// admin is the dashboard in two forms. A visitor of the page sees the state of the
// host. An operator, who holds the token, also sees the addresses, and can act.
// Before the page is served to more than this machine, put the visitor's form too
// behind whatever guards the other admin pages.
type admin struct {
	token    string
	visitor  *dashboard.Dashboard
	operator *dashboard.Dashboard
}

const (
	adminCookie = "webapp_admin"
	whereToLook = "This needs the link to the admin page that the program printed when it started."
)

// newAdmin takes the token from the configuration, which lets a program that asks
// with it survive a restart, or makes one up.
func newAdmin(host *hosted.Host, cfg config) *admin {
	a := &admin{token: cmp.Or(cfg.adminToken, rand.Text())}
	a.visitor = dashboard.New(host, dashboard.Config{
		Title: host.Name() + " (read-only)",
		Hosts: cfg.adminHosts,
	})
	a.operator = dashboard.New(host, dashboard.Config{
		Authorize:  a.authorize,
		Actor:      a.actor,
		FormatItem: formatItem,
		Hosts:      cfg.adminHosts,
		Logger:     cfg.log,
	})
	return a
}

// addTo lets the operator's page keep its charts going while nobody looks. The charts
// of visitors begin when one looks: sampling twice would cost twice.
func (a *admin) addTo(host *hosted.Host) { host.Add("dashboard", a.operator) }

// routes are those of the server that the page has for itself.
func (a *admin) routes(host *hosted.Host) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/admin/", http.StatusSeeOther))
	mux.Handle("/admin/", http.StripPrefix("/admin", a))
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return secure(mux)
}

func formatItem(_ string, item any) string {
	if mail, ok := item.(welcome); ok {
		return mail.Email
	}
	return ""
}

// ServeHTTP lets in who brings the token: from the printed link, which is good for
// a cookie so that it does not stay in the address bar, from that cookie, or, as
// programs do, in the Authorization header. A cookie of another run of the program
// is no offence; its owner may look, as anybody may.
func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("token") {
		a.logIn(w, r)
		return
	}
	_, isBearer := bearer(r)
	switch known := a.knows(r); {
	case known:
		a.operator.ServeHTTP(w, r)
	case isBearer:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, whereToLook, http.StatusUnauthorized)
	case r.Method == http.MethodPost:
		http.Error(w, whereToLook, http.StatusForbidden)
	default:
		a.visitor.ServeHTTP(w, r)
	}
}

func (a *admin) logIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !a.is(r.URL.Query().Get("token")) {
		http.Error(w, whereToLook, http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // over plain HTTP, as here, browsers drop a secure cookie
		Name: adminCookie, Value: a.token, Path: "/admin/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil,
	})
	http.Redirect(w, r, "/admin/", http.StatusSeeOther)
}

// authorize asks again: the dashboard refuses whom ServeHTTP would not have let
// through, even if it is mounted elsewhere one day.
func (a *admin) authorize(r *http.Request, _ dashboard.Action) error {
	if !a.knows(r) {
		return errors.New(whereToLook)
	}
	return nil
}

// actor is who presses a button, for the log and the audit trail. All who hold the token are
// one: a program whose users log in by name returns that name.
func (a *admin) actor(*http.Request) string { return "operator" }

func (a *admin) knows(r *http.Request) bool {
	if token, ok := bearer(r); ok {
		return a.is(token)
	}
	cookie, err := r.Cookie(adminCookie)
	return err == nil && a.is(cookie.Value)
}

func (a *admin) is(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(a.token)) == 1
}

func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}
