package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// route returns what a request asks for, below the path that the dashboard is mounted
// at. It returns mounted == false if that path cannot be known.
//
// The path may have been stripped or not. If it came as it was sent, the pattern
// says what is in front. If not, a path that is one of our own places was stripped, and
// otherwise the pattern may be that of a second mux behind the strip. Nothing is
// guessed from the end of the path: if a program guards /admin/actions with a handler
// of its own, no other path may lead there.
func (d *Dashboard) route(r *http.Request) (where string, mounted bool) {
	where = strings.TrimPrefix(r.URL.Path, "/")
	whole := askedPath(r) == r.URL.EscapedPath()
	below, found := belowPattern(r)
	switch {
	case found && whole:
		return below, true
	case d.isPlace(where):
		return where, true
	case found:
		return below, true
	case isWhole(r):
		return "", true
	}
	// One word is a page that there is not, and so is anything below a prefix that
	// was taken off. More words as they were sent come from an unknown prefix.
	trimmed := strings.TrimSuffix(where, "/")
	return where, !strings.Contains(trimmed, "/") || !whole
}

// slashMark is in the query of an address to which the slash was added already. Its
// value is the last word of the path that it was added to.
const slashMark = "slash"

// onePath returns the page that is meant, with or without a slash at the end of its path.
// If its links would lead elsewhere, it returns their base. If the browser has to go to
// another address, it returns that in to.
//
// Without its slash the overview is redirected to the form with it, as relative links
// need, but only once: if the slash is still missing then, something in front takes it
// off. The links of the page then begin with the whole path, which is right whatever the
// browser shows. If the slash was taken off the request line too, the redirect, which
// is relative, has gone one too deep, and is taken back.
//
// Only a page has two forms. A program may guard actions, so they have just one path.
func onePath(r *http.Request, where string) (page, base, to string) {
	asked, query := askedPath(r), r.URL.Query()
	short, below := strings.CutSuffix(where, "/")
	switch slash := strings.HasSuffix(asked, "/"); {
	case where == "" && !slash && query.Has(slashMark):
		return "", folder(asked), ""
	case where == "" && !slash:
		query.Set(slashMark, unescaped(path.Base(asked)))
		return "", "", path.Base(asked) + "/?" + query.Encode()
	case where != "" && where == query.Get(slashMark) && !isPage(where):
		query.Set(slashMark, "")
		return "", "", "../?" + query.Encode()
	case short != "" && (below || slash) && isPage(short):
		front, _ := strings.CutSuffix(strings.TrimSuffix(asked, "/"), "/"+short)
		return short, folder(front), ""
	}
	return where, "", ""
}

// folder is a path from the root with a slash at both ends, and none of another host.
func folder(p string) string {
	if p = strings.Trim(p, "/"); p == "" {
		return "/"
	}
	return "/" + p + "/"
}

// isPlace reports whether there is anything at a path.
func (d *Dashboard) isPlace(where string) bool {
	if file, isAsset := strings.CutPrefix(where, "assets/"); isAsset {
		_, ok := d.assets[file]
		return ok
	}
	switch where {
	case "actions", "stream", "stacks", "api/v1/state", "api/v1/schema.json":
		return true
	}
	return isPage(where)
}

// isWhole reports whether the path is all of a pattern such as "/admin", which some add
// to "/admin/" because something in front takes the slash off.
func isWhole(r *http.Request) bool {
	_, front, found := strings.Cut(r.Pattern, "/")
	return found && "/"+front == r.URL.Path
}

// belowPattern takes what a pattern such as "GET example.com/{tenant}/admin/" stands
// for off the front of a path. It must match everything below, that is end in a
// slash or a {name...}, and the path must not have lost that front already. The path
// is escaped, as a mux matches it: a slash within a segment is none between two.
func belowPattern(r *http.Request) (below string, ok bool) {
	_, front, found := strings.Cut(r.Pattern, "/") // the method and the host, if any, are before that
	if !found {
		return "", false
	}
	parts := strings.Split(front, "/")
	last := parts[len(parts)-1]
	if last != "" && !strings.HasSuffix(last, "...}") {
		return "", false
	}
	parts = parts[:len(parts)-1]
	sent := r.URL.EscapedPath()
	segments := strings.Split(strings.TrimPrefix(sent, "/"), "/")
	if len(segments) <= len(parts) || !standFor(r, segments[:len(parts)], parts) {
		return "", false
	}
	taken, was := strings.CutSuffix(askedPath(r), sent)
	if off := strings.Split(taken, "/"); was && len(parts) > 0 && len(off) > len(parts) && standFor(r, off[len(off)-len(parts):], parts) {
		return "", false // the front was taken off, and what looks like it is below
	}
	return unescaped(strings.Join(segments[len(parts):], "/")), true
}

// standFor reports whether these are the segments that a mux matched the parts of
// the pattern with.
func standFor(r *http.Request, segments, parts []string) bool {
	for i, part := range parts {
		if name, wild := strings.CutPrefix(part, "{"); wild {
			part = r.PathValue(strings.TrimSuffix(name, "}"))
		}
		if unescaped(segments[i]) != part {
			return false
		}
	}
	return true
}

// unescaped is a part of a path that was parsed, and so can be.
func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// lost returns the answer to a path that is below none of ours. It says what came and
// what to write, for a developer who has just mounted the page.
func lost(asked string) string {
	prefix := asked[:strings.LastIndexByte(asked, '/')]
	return fmt.Sprintf("stead/dashboard: there is nothing at %q.\n\n"+
		"If the dashboard is mounted below a path, its router has to take that path off, as in\n\n"+
		"\tmux.Handle(%q, http.StripPrefix(%q, dash))\n\n"+
		"An http.ServeMux needs no StripPrefix: mux.Handle(%q, dash) is enough.\n",
		asked, prefix+"/", prefix, prefix+"/")
}
