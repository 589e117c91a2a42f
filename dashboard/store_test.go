package dashboard_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// store is a queue of any name whose failures are numbered.
type store struct {
	name string
	left []int64
	busy func() // called before a failure is dealt with
	of   any    // the queue whose consumer it is; nil: itself
}

func (s *store) Observed() any {
	if s.of == nil {
		return s
	}
	return s.of
}

func (s *store) Name() string          { return s.name }
func (s *store) Stats() channelq.Stats { return channelq.Stats{Name: s.name} }
func (s *store) Discard(id int64) error {
	if s.busy != nil {
		s.busy()
	}
	i := slices.Index(s.left, id)
	if i < 0 {
		return errors.New("no failure of that id")
	}
	s.left = slices.Delete(s.left, i, i+1)
	return nil
}
func (s *store) Requeue(id int64) error { return s.Discard(id) }
func (s *store) Failures() (all []channelq.Failure) {
	for _, id := range s.left {
		all = append(all, channelq.Failure{ID: id, Err: errors.New("broken")})
	}
	return all
}
func (s *store) States() map[string]int { return map[string]int{"retryable": 3} }
func (s *store) Jobs(state string) []channelq.StoredJob {
	if state == "discarded" {
		panic("boom")
	}
	return []channelq.StoredJob{{ID: 8, State: state, CanCancel: true}}
}

func (s *store) watchedBy(host *hosted.Host, service string) *store {
	host.Go(service, func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(s))
	return s
}

func TestAnIDWithoutItsServiceIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		a := (&store{name: "store", left: []int64{9}}).watchedBy(s.host, "a")
		b := (&store{name: "store", left: []int64{9}, of: a}).watchedBy(s.host, "b")
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, verb := range []string{"discard", "requeue", "cancel"} {
			w := do(d, form("", "verb", verb, "kind", "queue", "name", "store", "id", "9"))
			wantStatus(t, w, http.StatusBadRequest)
			wantText(t, w, "the service is missing")
		}
		wantStatus(t, do(d, form("", "verb", "discard", "kind", "queue", "name", "store", "service", "b", "id", "9")), http.StatusSeeOther)
		if len(a.left) != 1 || len(b.left) != 0 {
			t.Errorf("left are %v and %v, want only that of a", a.left, b.left)
		}
	})
}

func TestAllMeansAlsoThoseBehindOneThatSomebodyElseDealtWith(t *testing.T) {
	for _, verb := range []string{"discard_all", "requeue_all"} {
		inBubble(t, func(t *testing.T, s *shop) {
			a := (&store{name: "store", left: []int64{1, 2, 3}}).watchedBy(s.host, "a")
			a.busy = func() { a.left = slices.DeleteFunc(a.left, func(id int64) bool { return id == 2 }) }
			s.start(t)
			d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
			wantStatus(t, do(d, form("", "verb", verb, "kind", "queue", "name", "store")), http.StatusSeeOther)
			if len(a.left) != 0 {
				t.Errorf("%s: left are %v", verb, a.left)
			}
		})
	}
}

func TestLinksToJobsSurviveAnyNameOfTheQueue(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		(&store{name: `d/ä&x=1?#"<b>+ %2f`}).watchedBy(s.host, "a")
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		const escaped = "d%2f%c3%a4%26x%3d1%3f%23%22%3cb%3e%2b%20%252f"
		wantText(t, get(t, d, "/queues"), `href="queue?name=`+escaped+`"`)
		wantText(t, get(t, d, "/queue?name="+escaped), `href="jobs?name=`+escaped+`/retryable"`)
		w := get(t, d, "/jobs?name="+escaped+"/retryable")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, `value="cancel"`, `value="d/ä&amp;x=1?#&#34;&lt;b&gt;`)
	})
}

func TestAStoreThatPanicsWhenItsJobsAreListedCostsOnlyTheList(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		(&store{name: "store"}).watchedBy(s.host, "a")
		s.start(t)
		w := get(t, dashboard.New(s.host, dashboard.Config{}), "/jobs?name=store/discarded")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "cannot be listed", "boom", "store: discarded")
		if strings.Contains(w.Body.String(), "None.") {
			t.Error("the page says that there is none")
		}
	})
}

// deserted is a queue whose jobs another process held when it was killed.
type deserted struct {
	n     int
	freed time.Time
}

func (*deserted) Name() string                     { return "mails" }
func (*deserted) Stats() channelq.Stats            { return channelq.Stats{Name: "mails"} }
func (d *deserted) Deserted() (n int, f time.Time) { return d.n, d.freed }

func TestJobsOfAProcessThatIsGoneAreAProblemUntilTheyAreFreed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q := &deserted{n: 5, freed: time.Now().Add(90 * time.Second)}
		s.host.Go("jobs", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(q))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		p := problem(t, d.State(), "mails")
		wantProblem(t, p, dashboard.Warning, "has 5 jobs that are held by a process that is gone", "")
		if p.Next != "the first of them freed" || !p.NextAt.Equal(q.freed) {
			t.Errorf("next: %q at %v", p.Next, p.NextAt)
		}
		q.n = 1
		if p := problem(t, d.State(), "mails"); p.Next != "freed" || !strings.Contains(p.What, "1 job that is held") {
			t.Errorf("%+v", p)
		}
		q.n = 0
		if got := d.State(); got.Headline != "All is well" {
			t.Errorf("%s: %v", got.Headline, got.Problems)
		}
	})
}
