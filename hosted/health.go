package hosted

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"

	"github.com/steadgo/stead/lifecycle"
)

// probe is what one service answers to one probe.
type probe struct {
	name   string
	ok     bool
	counts bool // a failure makes the whole answer a failure
}

// LiveHandler returns a handler that answers whether the process is worth keeping. It
// answers 200, unless a critical service is Failed or the host has stopped. It never asks
// a dependency. A service that waits for its restart is live. With ?verbose=1 the answer
// also lists how many goroutines each service has, at most a second ago.
//
// This handler and that of [Host.ReadyHandler] answer in plain text, like those of
// Kubernetes: `ok`, or a line for each service with [+] or [-]. ?verbose shows the lines
// in any case. ?exclude=name leaves a service out. A path that ends in the name of a
// service asks for that service only. The reason of a failure is withheld, because probes
// are often open to everybody.
func (h *Host) LiveHandler() http.Handler {
	return h.handler("livez", func(context.Context) []probe { return h.liveness() })
}

// Live reports what [Host.LiveHandler] answers, for callers without HTTP.
func (h *Host) Live() bool { return passed(h.liveness()) }

func (h *Host) liveness() []probe {
	h.mu.Lock()
	defer h.mu.Unlock()
	probes := []probe{{"host", h.phase != ended, true}}
	for _, u := range h.units {
		probes = append(probes, probe{u.name, u.state != lifecycle.Failed, u.critical()})
	}
	return probes
}

func passed(probes []probe) bool {
	return !slices.ContainsFunc(probes, func(p probe) bool { return p.counts && !p.ok })
}

// ReadyHandler returns a handler that answers whether the program can take traffic. It
// answers 200 when the host has started, every critical service is Running or Completed,
// and its [Health] check passes, and 503 otherwise. From the first moment of a stop it
// answers 503 permanently. A service that failed under [Ignore] or is [NotCritical] is
// shown and not counted.
//
// Health checks run in parallel under one bound, [Config.HealthTimeout]. A check that
// hangs fails alone. Several probes share a check that is running, and its result for as
// long as that bound. When the result changes, the host logs it.
func (h *Host) ReadyHandler() http.Handler {
	return h.handler("readyz", func(ctx context.Context) []probe {
		h.mu.Lock()
		units := h.units
		probes := []probe{{"host", h.phase == running && h.marks.Request().Cause == nil, true}}
		for _, u := range units {
			up := u.state == lifecycle.Running || u.state == lifecycle.Completed
			probes = append(probes, probe{u.name, up, u.critical()})
		}
		h.mu.Unlock()
		for i, healthy := range h.checks.run(ctx, units) {
			probes[i+1].ok = probes[i+1].ok && healthy
		}
		return probes
	})
}

// critical says whether the service's state counts for the whole.
func (u *unit) critical() bool {
	return !u.notCritical && !u.absent && (u.policy.last() != ignore || u.state != lifecycle.Failed)
}

func (h *Host) handler(kind string, ask func(context.Context) []probe) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		probes := ask(r.Context())
		// The handler may be mounted under any path, so a last part that is no
		// service's name is the mount point, unless it stands behind the kind.
		dir, last := path.Split(r.URL.Path)
		if slices.ContainsFunc(probes, func(p probe) bool { return p.name == last }) {
			probes = slices.DeleteFunc(probes, func(p probe) bool { return p.name != last })
		} else if path.Base(dir) == kind && last != "" {
			http.NotFound(w, r)
			return
		}
		excluded := query["exclude"]
		probes = slices.DeleteFunc(probes, func(p probe) bool { return slices.Contains(excluded, p.name) })
		good := passed(probes)

		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !good {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		verbose := query.Has("verbose")
		if good && !verbose {
			fmt.Fprintln(w, "ok")
			return
		}
		for _, p := range probes {
			switch {
			case p.ok:
				fmt.Fprintf(w, "[+]%s ok\n", p.name)
			case p.counts:
				fmt.Fprintf(w, "[-]%s failed: reason withheld\n", p.name)
			default:
				fmt.Fprintf(w, "[-]%s failed, not counted: reason withheld\n", p.name)
			}
		}
		if verbose && kind == "livez" {
			h.writeGoroutines(w)
		}
		fmt.Fprintf(w, "%s check %s\n", kind, map[bool]string{true: "passed", false: "failed"}[good])
	})
}
