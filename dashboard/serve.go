package dashboard

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// policy lets the page use its own style and script and nothing else, not even
// inline, and nobody put it into a frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: with it browsers send "Origin: null" with a form, and over
	// plain HTTP the origin is all there is to tell our own forms by.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// ServeHTTP answers everything below the path that the dashboard is mounted at:
//
//	mux.Handle("/admin/", dash)
//
// With a [http.ServeMux] the dashboard finds the prefix by itself. With another router it
// has to be mounted at / or behind [http.StripPrefix]. Otherwise the answer says how to
// mount it. All links are relative, so that neither a prefix nor a proxy that adds one
// matters.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if d.misuse != nil {
		http.Error(w, d.misuse.Error(), http.StatusInternalServerError)
		return
	}
	d.servers.leaving(r) // so that a stream opened later finds the server known
	if !d.answers(r.Host) {
		http.Error(w, "this page does not answer under this host name", http.StatusMisdirectedRequest)
		return
	}
	where, mounted := d.route(r)
	if !mounted {
		http.Error(w, lost(r.URL.Path), http.StatusNotFound)
		return
	}
	where, base, to := onePath(r, where)
	if to != "" {
		redirect(w, to)
		return
	}
	if where == "actions" {
		d.act(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	switch file, isAsset := strings.CutPrefix(where, "assets/"); {
	case isAsset:
		d.serveAsset(w, r, file)
	case where == "stream":
		d.stream(w, r)
	case where == "api/v1/state":
		d.serveState(w, r)
	case where == "stacks":
		d.serveStacks(w, r)
	case where == "api/v1/schema.json":
		d.serveAsset(w, r, "schema.json")
	default:
		if base != "" {
			w.Header().Set("Content-Security-Policy", strings.Replace(policy, "base-uri 'none'", "base-uri 'self'", 1))
		}
		d.servePage(w, r, where, base)
	}
}

// answers reports whether the host name of a request is one to answer.
func (d *Dashboard) answers(hostport string) bool {
	if d.cfg.Hosts == nil {
		return true
	}
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	return slices.ContainsFunc(d.cfg.Hosts, func(ok string) bool {
		return strings.EqualFold(strings.Trim(ok, "[]"), host)
	})
}

// askedPath is the path as the client sent it, before any prefix was stripped.
func askedPath(r *http.Request) string {
	u := r.URL
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil {
		u = sent
	}
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// redirect sends the browser to a place relative to where it is. http.Redirect
// would make it absolute, and wrong behind a prefix.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "stead/dashboard: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(data, '\n'))
}
