package main

import (
	"bufio"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

// state is what the dashboard tells programs that have no token.
func (p *process) state() (s dashboard.State) {
	p.t.Helper()
	if _, body := p.get("/admin/api/v1/state"); json.Unmarshal([]byte(body), &s) != nil {
		p.t.Fatalf("not a state: %s", body)
	}
	return s
}

// queue is what the dashboard says of the mails.
func (p *process) queue() dashboard.Queue {
	p.t.Helper()
	return emails(p.t, p.state())
}

func emails(t testing.TB, s dashboard.State) dashboard.Queue {
	t.Helper()
	for _, q := range s.Queues {
		if q.Name == "emails" {
			return q
		}
	}
	t.Fatalf("queues: %+v", s.Queues)
	return dashboard.Queue{}
}

func schedule(s dashboard.State, name string) dashboard.Schedule {
	for _, job := range s.Schedules {
		if job.Name == name {
			return job
		}
	}
	return dashboard.Schedule{}
}

// metric is the page of metrics by series.
func metric(p *process) map[string]float64 {
	p.t.Helper()
	_, page := p.get("/metrics")
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(page)); lines.Scan(); {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			all[series+"}"] = v
		}
	}
	return all
}
