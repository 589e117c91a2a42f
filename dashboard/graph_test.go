package dashboard_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func nothing(context.Context) error { return nil }

func TestTheGraphShowsTheLinksThatOthersDoNotImply(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Task("db", nothing)
	host.Task("cache", nothing, hosted.After("db"))
	host.Task("http", nothing, hosted.After("db", "cache", "cache"))
	host.Task("alone", nothing)
	html := get(t, dashboard.New(host, dashboard.Config{}), "/services").Body.String()
	_, graph, _ := strings.Cut(html, `<div class="graph"`)
	graph, table, _ := strings.Cut(graph, "</section>")
	if arrows, boxes := strings.Count(graph, `class="arrow"`), strings.Count(graph, `class="node`); arrows != 2 || boxes != 3 {
		t.Errorf("%d arrows between %d boxes, want 2 between 3: %s", arrows, boxes, graph)
	}
	if !strings.Contains(graph, "3 services, 3 links between them") {
		t.Error("the graph has no words")
	}
	if !strings.Contains(table, "alone") || !strings.Contains(table, "db, cache") {
		t.Error("the table lacks a service, or a link")
	}
}

func TestThereIsNoGraphWithoutLinks(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Task("one", nothing)
	host.Task("two", nothing, hosted.After("unknown"))
	if html := get(t, dashboard.New(host, dashboard.Config{}), "/services").Body.String(); strings.Contains(html, `class="graph"`) {
		t.Error("there is a graph")
	}
}

// Before the start nobody has refused a circle yet, and names may be long.
func TestTheGraphOfACircleIsDrawnToo(t *testing.T) {
	host := hosted.New(hosted.Config{})
	long := strings.Repeat("ä", 300)
	host.Task("a", nothing, hosted.After("b"))
	host.Task("b", nothing, hosted.After(long))
	host.Task(long, nothing, hosted.After("a", long))
	done := make(chan string)
	go func() { done <- get(t, dashboard.New(host, dashboard.Config{}), "/services").Body.String() }()
	if html := <-done; strings.Count(html, `class="node`) != 3 || strings.Contains(html, "�") {
		t.Error("the circle is not drawn")
	}
}

func TestQuantilesAreTheBoundsThatCoverThem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		if got := d.State().Schedules[0].Duration; got != (dashboard.Latency{}) {
			t.Errorf("before any run: %+v", got)
		}
		// Nine runs of 3 ms and one of 4 s: half are within the bound above 3 ms,
		// but not 95 of 100.
		for i := range 10 {
			s.mu.Lock()
			s.takes = 3 * time.Millisecond
			if i == 4 {
				s.takes = 4 * time.Second
			}
			s.mu.Unlock()
			if err := s.job.Trigger(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		got := d.State().Schedules[0].Duration
		want := dashboard.Latency{Samples: 10, MeanSeconds: 0.4027, P50Seconds: 0.005, P95Seconds: got.MeanSeconds * 10}
		if got.Samples != want.Samples || got.P50Seconds != want.P50Seconds || got.P95Seconds < 4 || got.P95Seconds > 5 || got.MeanSeconds < 0.402 || got.MeanSeconds > 0.403 {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
