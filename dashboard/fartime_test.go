package dashboard_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// RFC 3339 ends with the year 9999 and has no offset of a day.
func TestATimeThatJSONCannotSayCostsNothingElse(t *testing.T) {
	for want, at := range map[string]time.Time{
		"9999-12-31T23:59:59Z": time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC),
		"2030-01-01T00:00:00Z": time.Date(2030, 1, 2, 6, 0, 0, 0, time.FixedZone("odd", 30*60*60)),
	} {
		host := hosted.New(hosted.Config{})
		job, err := periodic.New(periodic.Config{Name: "far", Schedule: periodic.At(at)}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		host.Add("far", job)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := get(t, dashboard.New(host, dashboard.Config{}), "/api/v1/state")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"next":"`+want+`"`) {
			t.Errorf("%v: %d %s", at, w.Code, w.Body)
		}
		if err := host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
