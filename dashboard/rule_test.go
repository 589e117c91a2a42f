package dashboard_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// bare is a schedule that does not say what it is.
type bare struct{}

func (bare) Next(after time.Time) time.Time { return after.Truncate(time.Hour).Add(time.Hour) }

func TestAScheduleCanBeCheckedWithItsRuleAndItsNextTimeInItsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight in London, 1 January 2000
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		nightly, err := periodic.Cron("30 2 * * *", berlin)
		if err != nil {
			t.Fatal(err)
		}
		host := hosted.New(hosted.Config{})
		for name, schedule := range map[string]periodic.Schedule{
			"nightly": nightly, "later": periodic.At(time.Date(2001, 2, 3, 4, 5, 6, 0, berlin)), "foreign": bare{},
		} {
			job, err := periodic.New(periodic.Config{Name: name, Schedule: schedule}, func(context.Context) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			host.Add(name, job)
		}
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = host.Stop(context.Background()) }()
		d := dashboard.New(host, dashboard.Config{})
		const rule, next = "daily 02:30 Europe/Berlin</span> · cron &#34;30 2 * * *&#34; Europe/Berlin", "Sat 1 Jan 02:30\u00a0CET"
		wantText(t, get(t, d, "/schedules"), rule, next, "in 1 h 30 min", "at 2001-02-03 04:05:06 CET", "Sat 3 Feb 2001 04:05:06\u00a0CET")
		wantText(t, get(t, d, "/schedule?name=nightly"), rule, next, "in 1 h 30 min")
		wantText(t, get(t, d, "/api/v1/state"), `"schedule":"cron \"30 2 * * *\" Europe/Berlin"`)
		for _, s := range d.State().Schedules {
			if s.Name == "foreign" && s.Schedule != "" {
				t.Errorf("a schedule without a text has %q", s.Schedule)
			}
		}
		if one := get(t, d, "/schedule?name=foreign"); strings.Contains(one.Body.String(), `class="rule`) {
			t.Error("it has an empty line")
		}
	})
}
