package dashboard_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// spoken is a schedule that counts how often it was asked for its text, which only the
// full Stats of a job are.
type spoken struct {
	periodic.Schedule
	said *atomic.Int64
}

func (s spoken) String() string {
	s.said.Add(1)
	return "as it comes"
}

// manyJobs is a scheduler with n jobs.
func manyJobs(t *testing.T, n int, rule periodic.Schedule) *periodic.Scheduler {
	t.Helper()
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "calendar"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		j, err := periodic.New(periodic.Config{Name: fmt.Sprintf("job-%04d", i), Schedule: rule}, func(context.Context) error { return nil })
		if err == nil {
			err = s.Add(j)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// calendar is the dashboard of a program that has nothing but a scheduler.
func calendar(t *testing.T, s *periodic.Scheduler) *dashboard.Dashboard {
	t.Helper()
	host := hosted.New(hosted.Config{})
	host.Add("calendar", s)
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	return dashboard.New(host, dashboard.Config{})
}

func TestAPageAsksForAllOfTheStateOfTheSchedulesItShowsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobs = 250
		var said atomic.Int64
		d := calendar(t, manyJobs(t, jobs, spoken{periodic.Every(time.Hour), &said}))
		for page, rows := range map[string]int64{
			"": 0, "services": 0, "service?name=calendar": 0, "queues": 0, "failures": 0, "stop": 0,
			"schedules": 100, "schedules?name=@200": 50, "schedules?name=job-001@0": 10, "schedule?name=job-0123": 1,
			"run?name=job-0123/1": 1, "api/v1/state?limit=7": 7, "api/v1/state?limit=7&after=248": 2, "api/v1/state": jobs,
		} {
			said.Store(0)
			if w := get(t, d, "/"+page); said.Load() != rows {
				t.Errorf("%q asked %d of %d schedules for all of their state, and shows %d (%d)", page, said.Load(), jobs, rows, w.Code)
			}
		}
		wantText(t, get(t, d, "/schedules"), "as it comes", "next")
	})
}

func TestAScheduleThatIsNotShownAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pages := []string{"", "services", "queues", "schedules", "failures", "stop"}
		allocs := func(jobs int) (all []float64) {
			d := calendar(t, manyJobs(t, jobs, periodic.Every(time.Hour)))
			for _, page := range pages {
				all = append(all, testing.AllocsPerRun(2, func() { get(t, d, "/"+page) }))
			}
			return all
		}
		few, many := allocs(200), allocs(1200)
		for i, page := range pages {
			if more := many[i] - few[i]; more > 500 {
				t.Errorf("%q: 1,000 more schedules cost %.0f allocations", page, more)
			}
		}
	})
}

// renamed is a job with an embedded one, as a program may have it.
type renamed struct{ *periodic.Job }

func (r renamed) Stats() periodic.Stats {
	s := r.Job.Stats()
	s.Name, s.Streak = "the nightly one", 3
	s.Last = periodic.Run{Started: time.Now(), Outcome: periodic.Failed, Err: fmt.Errorf("no paper in %s", r.Name())}
	return s
}

func TestAComponentThatAUserWroteIsShownAsItSays(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		j, err := periodic.New(periodic.Config{Name: "inner", Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("nightly", renamed{j})
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for page, has := range map[string]string{
			"/": "failed in its last 3 runs", "/schedules": "failing", "/schedule?name=the+nightly+one": "<dd>3</dd>", "/api/v1/state": "no paper in inner",
		} {
			w := get(t, d, page)
			wantText(t, w, "the nightly one", has)
			if strings.Contains(w.Body.String(), `name=inner"`) {
				t.Errorf("%s shows the embedded job", page)
			}
		}
	})
}
