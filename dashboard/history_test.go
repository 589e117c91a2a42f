package dashboard_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
)

// historyOf is what the JSON has of a queue's history.
func historyOf(t *testing.T, d *dashboard.Dashboard, queue string) []dashboard.Point {
	t.Helper()
	var state dashboard.State
	if err := json.Unmarshal(get(t, d, "/api/v1/state?history=1").Body.Bytes(), &state); err != nil {
		t.Fatal(err)
	}
	for _, q := range state.Queues {
		if q.Name == queue {
			return q.History
		}
	}
	return nil
}

func TestNobodyLooksNothingIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		time.Sleep(time.Hour)
		if n := len(historyOf(t, d, "emails")); n != 1 {
			t.Errorf("an hour without a viewer left %d samples, want the one of this request", n)
		}
		if got := s.host.Goroutines()["dashboard"]; got != 0 {
			t.Errorf("%d goroutines", got)
		}
		if w := get(t, d, "/api/v1/state"); strings.Contains(w.Body.String(), `"history":[{"time"`) {
			t.Error("the history is sent without being asked for")
		}
	})
}

func TestAddedToTheHostItKeepsAsMuchAsIsAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{Interval: 2 * time.Second, History: time.Minute})
		s.host.Add("dashboard", d)
		s.start(t)
		for range 90 {
			for range 3 {
				if err := s.queue.Enqueue(t.Context(), secret{}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		points := historyOf(t, d, "emails")
		if len(points) != 30 {
			t.Fatalf("%d samples, want a minute of one each 2 s", len(points))
		}
		for i, p := range points {
			if i > 0 && p.Time.Sub(points[i-1].Time) != 2*time.Second {
				t.Errorf("sample %d is %v after the one before", i, p.Time.Sub(points[i-1].Time))
			}
			if i > 0 && (p.Rates == nil || math.Abs(p.Rates.In-3) > 1.51 || math.Abs(p.Rates.Out-3) > 1.51) {
				t.Errorf("sample %d: rates %+v, want about 3 a second", i, p.Rates)
			}
		}
		rates := d.State().Queues[0].Rates
		if rates == nil || math.Abs(rates.In-3) > 0.4 || math.Abs(rates.Out-3) > 0.4 || rates.Failed != 0 || rates.Lost != 0 {
			t.Errorf("now: %+v, want 3 in and out", rates)
		}
	})
}

func TestManyViewersTakeNoMoreSamplesThanOne(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for range 100 {
			d.State()
			get(t, d, "/")
			time.Sleep(100 * time.Millisecond)
		}
		points := historyOf(t, d, "emails")
		if len(points) < 10 {
			t.Errorf("10 s of looking all the time left %d samples", len(points))
		}
		for i, p := range points[1:] {
			if apart := p.Time.Sub(points[i].Time); apart < 900*time.Millisecond {
				t.Errorf("two samples are only %v apart", apart)
			}
		}
	})
}

func TestAChartHasAGapWhereNobodyLooked(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for range 5 {
			d.State()
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		for range 5 {
			d.State()
			time.Sleep(time.Second)
		}
		html := get(t, d, "/queue?name=emails").Body.String()
		_, chart, _ := strings.Cut(html, `<path class="line-depth" d="`)
		chart, _, _ = strings.Cut(chart, `"`)
		if n := strings.Count(chart, "M"); n != 2 {
			t.Errorf("the curve has %d pieces, want 2: %s", n, chart)
		}
		points := historyOf(t, d, "emails")
		if first := points[5]; first.Rates != nil {
			t.Errorf("the first sample after a minute without has rates: %+v", first)
		}
	})
}

func TestChartsSayInWordsWhatTheyShow(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		wantText(t, get(t, d, "/queues"), "Collecting samples")
		s.workers.Pause()
		synctest.Wait()
		for range 3 {
			_ = s.queue.TryEnqueue(secret{})
		}
		for range 40 {
			time.Sleep(time.Second)
			d.State()
		}
		wantText(t, get(t, d, "/queues"),
			"Items in the queue over the last 40 s: at most 3", "Age of the oldest item over the last 40 s: at most", "Items in per second over the last 40 s", "Items out per second over the last 40 s")
	})
}
