package dashboard_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func stateAt(t *testing.T, h http.Handler, path string) (s dashboard.State, size int) {
	t.Helper()
	w := get(t, h, path)
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %v", path, w.Code, err)
	}
	return s, w.Body.Len()
}

func TestTheStateIsReadInParts(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("crowd", crowd(250))
		for i := range 30 {
			s.host.Add(fmt.Sprintf("service-%04d", i), idle())
		}
		s.start(t)
		synctest.Wait() // the worker has begun
		d := dashboard.New(s.host, dashboard.Config{})
		whole, size := stateAt(t, d, "/api/v1/state")
		if whole.Next != "" {
			t.Errorf("behind all comes %q", whole.Next)
		}
		var sum dashboard.State
		after := ""
		for parts := 1; ; parts++ {
			part, n := stateAt(t, d, "/api/v1/state?limit=100&after="+after)
			if part.Headline != whole.Headline || n > size/2 {
				t.Errorf("part %d says %q and has %d of %d bytes", parts, part.Headline, n, size)
			}
			sum.Services = append(sum.Services, part.Services...)
			sum.Queues = append(sum.Queues, part.Queues...)
			sum.Schedules = append(sum.Schedules, part.Schedules...)
			if after = part.Next; after == "" {
				if parts != 3 {
					t.Errorf("%d parts", parts)
				}
				break
			}
		}
		for _, lists := range [][2]any{{sum.Services, whole.Services}, {sum.Queues, whole.Queues}, {sum.Schedules, whole.Schedules}} {
			got, _ := json.Marshal(lists[0])
			want, _ := json.Marshal(lists[1])
			if string(got) != string(want) {
				t.Errorf("the parts are together %s, not %s", got, want)
			}
		}
		for _, wrong := range []string{"limit=0", "limit=all", "limit=-1", "after=3", "limit=1&after=-1", "limit=1&after=x"} {
			wantStatus(t, get(t, d, "/api/v1/state?"+wrong), http.StatusBadRequest)
		}
		if beyond, _ := stateAt(t, d, "/api/v1/state?limit=9&after=1000000"); len(beyond.Queues)+len(beyond.Services) != 0 || beyond.Next != "" {
			t.Errorf("behind the end there are %d queues, and then %q", len(beyond.Queues), beyond.Next)
		}
	})
}

// Twice as many things cost twice as much: each is asked once, and nothing is looked for
// among the others for each of them.
func TestTheCostOfAPageGrowsWithWhatThereIs(t *testing.T) {
	cost := func(n int) (allocs float64) {
		host := hosted.New(hosted.Config{})
		all := crowd(n)
		q := &counted{books: books{channelq.Stats{Name: "calls"}}}
		all.queues = append(all.queues, q)
		host.Add("crowd", all)
		d := dashboard.New(host, dashboard.Config{Interval: time.Hour})
		allocs = testing.AllocsPerRun(1, func() { get(t, d, "/api/v1/state") })
		if q.asked != 2 {
			t.Errorf("%d queues: one of them was asked %d times by two pages", n, q.asked)
		}
		return allocs
	}
	if few, many := cost(300), cost(600); many > 2.2*few {
		t.Errorf("%v allocations for 300 queues and schedules, %v for 600", few, many)
	}
}

func TestVeryManyQueuesAreSampledLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		all := crowd(0)
		for i := range 9 {
			all.queues = append(all.queues, &books{channelq.Stats{Name: fmt.Sprint(i), Depth: i}})
		}
		q := &counted{books: books{channelq.Stats{Name: "calls", Depth: 1}}}
		all.queues = append(all.queues, q)
		d := dashboard.New(host, dashboard.Config{Interval: time.Second, History: 10 * time.Second})
		dashboard.SetMany(d, 4)
		host.Add("crowd", all)
		host.Add("dashboard", d)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15*time.Second + time.Second/2)
		synctest.Wait()
		if q.asked != 6 {
			t.Errorf("in 15 s each of 10 queues was asked %d times, want one sample in 3 s", q.asked)
		}
		points := historyOf(t, d, "calls")
		if len(points) < 3 || len(points) > 4 || points[1].Rates == nil || points[1].Time.Sub(points[0].Time) != 3*time.Second {
			t.Errorf("the history of 10 s has %d points: %+v", len(points), points[:min(2, len(points))])
		}
		_ = host.Stop(t.Context())
	})
}

// A queue that comes takes the place of one that is gone, and nothing of its history.
func TestAQueueThatComesHasNoHistoryOfOneThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		all := crowd(0)
		d := dashboard.New(host, dashboard.Config{})
		host.Add("crowd", all)
		look := func(names ...string) {
			all.queues = nil
			for _, name := range names {
				all.queues = append(all.queues, &books{channelq.Stats{Name: name, Depth: len(name)}})
			}
			d.State()
			time.Sleep(time.Second)
		}
		for range 5 {
			look("old", "stays")
		}
		look("stays")
		look("newcomer", "stays")
		look("newcomer", "stays")
		points := historyOf(t, d, "newcomer")
		if len(points) != 3 || slices.ContainsFunc(points, func(p dashboard.Point) bool { return p.Depth != len("newcomer") }) {
			t.Errorf("%+v", points)
		}
		if points = historyOf(t, d, "stays"); len(points) != 9 || slices.ContainsFunc(points, func(p dashboard.Point) bool { return p.Depth != len("stays") }) {
			t.Errorf("%+v", points)
		}
		look("old", "stays", "newcomer")
		if points = historyOf(t, d, "old"); len(points) != 1 {
			t.Errorf("it is back, with %+v", points)
		}
	})
}

func TestTheFirstOfAListAreThoseOfASortedOne(t *testing.T) {
	for n := range 200 {
		all := make([]int, n)
		for i := range all {
			all[i] = rand.IntN(40)*1000 + i
		}
		order := func(a, b *int) int { return *a/1000 - *b/1000 }
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(a, b int) int { return order(&a, &b) })
		first := dashboard.Firsts(all, order)
		if len(first) != min(n, 30) {
			t.Fatalf("%d of %d", len(first), n)
		}
		for i, one := range first {
			if *one != sorted[i] {
				t.Fatalf("place %d of %d has %d, want %d", i, n, *one, sorted[i])
			}
		}
	}
}
