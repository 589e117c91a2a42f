package dashboard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/dashboard"
)

// candidate is a service with the methods of those of package leader.
type candidate struct {
	leading bool
	since   time.Time
	fence   int64
	changes uint64
}

func (c *candidate) Start(context.Context) error    { return nil }
func (c *candidate) Stop(context.Context) error     { return nil }
func (c *candidate) Group() string                  { return "weekly <news>" }
func (c *candidate) Role() (bool, time.Time, int64) { return c.leading, c.since, c.fence }
func (c *candidate) Transitions() uint64            { return c.changes }

func TestWhoLeadsIsOnThePageAndInTheState(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		c := &candidate{since: time.Now()}
		s.host.Add("newsletter", c)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		state := func() *dashboard.Leadership {
			for _, v := range d.State().Services {
				if v.Name == "newsletter" {
					return v.Leadership
				}
				if v.Leadership != nil {
					t.Errorf("%s is said to lead or follow", v.Name)
				}
			}
			return nil
		}
		page := func() string { return get(t, d, "/services").Body.String() }
		if l := state(); l == nil || l.Leading || l.Group != "weekly <news>" || l.Transitions != 0 {
			t.Errorf("a follower is %+v", l)
		}
		if html := page(); !strings.Contains(html, "<strong>follower</strong>") || !strings.Contains(html, "weekly &lt;news&gt;") || strings.Contains(html, "fence") {
			t.Errorf("a follower is shown as\n%s", html)
		}
		time.Sleep(time.Hour)
		*c = candidate{leading: true, since: time.Now(), fence: 1790000000123, changes: 1}
		time.Sleep(time.Minute)
		if l := state(); l == nil || !l.Leading || l.Fence != 1790000000123 || l.Transitions != 1 || time.Since(l.Since) != time.Minute {
			t.Errorf("the leader is %+v", l)
		}
		html := page()
		for _, want := range []string{"<strong>leader</strong>", "fence 1790000000123", "1 change<", "1 min ago"} {
			if !strings.Contains(html, want) {
				t.Errorf("the page of the leader lacks %q:\n%s", want, html)
			}
		}
		if d.State().Verdict != dashboard.OK {
			t.Error("to lead is a problem")
		}
	})
}

// cutOff is a candidate that knows since when it does not reach its store.
type cutOff struct {
	candidate

	away time.Time
	err  error
}

func (c *cutOff) Outage() (time.Time, error) { return c.away, c.err }

func TestAStoreOfLeasesThatIsAwayIsAProblem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		c := &cutOff{candidate: candidate{since: time.Now()}}
		s.host.Add("newsletter", c)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		if got := d.State(); got.Verdict != dashboard.OK {
			t.Errorf("a store that answers is a problem: %+v", got.Problems)
		}
		c.away, c.err = time.Now(), errors.New("dial tcp <10.0.0.7>: connection refused")
		time.Sleep(3 * time.Second)
		got := d.State()
		p := problem(t, got, "newsletter")
		wantProblem(t, p, dashboard.Warning, `does not know who leads "weekly <news>": it has not reached the store of the lease for 3 s`, "connection refused")
		if got.Headline == "All is well" || !p.Since.Equal(c.away) {
			t.Errorf("%q, since %v", got.Headline, p.Since)
		}
		wantText(t, get(t, d, "/"), "does not know who leads", "connection refused", "3 s ago", "asks again")
		wantText(t, get(t, d, "/services"), "<strong>leader unknown</strong>", "its store became unreachable")

		c.leading = true
		wantProblem(t, problem(t, d.State(), "newsletter"), dashboard.Warning, "leads \"weekly <news>\" only until its lease ends", "connection refused")
		c.leading = false
		time.Sleep(time.Minute) // no hiccup any more
		got = d.State()
		wantProblem(t, problem(t, got, "newsletter"), dashboard.Failed, "for 1 min 3 s", "connection refused")
		if got.Headline != "1 thing needs somebody" {
			t.Errorf("after a minute it says %q", got.Headline)
		}
		c.away, c.err = time.Time{}, nil
		if got := d.State(); got.Headline != "All is well" || got.Services[2].Leadership.OutageError != "" {
			t.Errorf("the store is back: %q, %+v", got.Headline, got.Services[2].Leadership)
		}
	})
}
