package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// route is what a request asks for, below the path that the dashboard is mounted
// at; mounted is false if that path cannot be known.
//
// The path may have been stripped or not. What is one of our own places as it is
// was stripped, or there is nothing to strip; otherwise the pattern says what is in
// front. Nothing is guessed from the end of the path: whoever guards /admin/actions
// with a handler of its own must not find another path that leads there.
func (d *Dashboard) route(r *http.Request) (where string, mounted bool) {
	where = strings.TrimPrefix(r.URL.Path, "/")
	if d.isPlace(where) {
		return where, true
	}
	below, found := belowPattern(r.Pattern, r.URL.EscapedPath())
	if found {
		return below, true
	}
	// One word is a page that there is not, and so is anything below a prefix that
	// was taken off. More words as they were sent come from an unknown prefix.
	return where, !strings.Contains(where, "/") || askedPath(r) != r.URL.EscapedPath()
}

// isPlace reports whether there is anything at a path.
func (d *Dashboard) isPlace(where string) bool {
	if file, isAsset := strings.CutPrefix(where, "assets/"); isAsset {
		_, ok := d.assets[file]
		return ok
	}
	switch where {
	case "actions", "stream", "api/v1/state", "api/v1/schema.json":
		return true
	}
	return isPage(where)
}

// belowPattern takes what a pattern such as "GET example.com/{tenant}/admin/" stands
// for off the front of a path. It must match everything below, that is end in a
// slash or a {name...}, and the path must not have lost that front already. The path
// is escaped, as a mux matches it: a slash within a segment is none between two.
func belowPattern(pattern, path string) (below string, ok bool) {
	_, front, found := strings.Cut(pattern, "/") // the method and the host, if any, are before that
	if !found {
		return "", false
	}
	parts := strings.Split(front, "/")
	last := parts[len(parts)-1]
	if last != "" && !strings.HasSuffix(last, "...}") {
		return "", false
	}
	rest := strings.TrimPrefix(path, "/")
	for _, part := range parts[:len(parts)-1] {
		segment, after, more := strings.Cut(rest, "/")
		wild := strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}")
		if !more || !wild && unescaped(segment) != part {
			return "", false
		}
		rest = after
	}
	return unescaped(rest), true
}

// unescaped is a part of a path that was parsed, and so can be.
func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// lost is the answer to a path that is below none of ours: it says what came and
// what to write, for whoever has just mounted the page.
func lost(path string) string {
	prefix := path[:strings.LastIndexByte(path, '/')]
	return fmt.Sprintf("stead/dashboard: there is nothing at %q.\n\n"+
		"If the dashboard is mounted below a path, its router has to take that path off, as in\n\n"+
		"\tmux.Handle(%q, http.StripPrefix(%q, dash))\n\n"+
		"An http.ServeMux needs no StripPrefix: mux.Handle(%q, dash) is enough.\n",
		path, prefix+"/", prefix, prefix+"/")
}
