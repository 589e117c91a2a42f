package dashboard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/periodic"
)

// hanging is a schedule whose Next does not return.
type hanging chan struct{}

func (h hanging) Next(after time.Time) time.Time { <-h; return after.Add(time.Hour) }

func TestAScheduleThatDoesNotReturnIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		h := make(hanging)
		job, err := periodic.New(periodic.Config{Name: "import", Schedule: h}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("importer", job)
		s.start(t)
		time.Sleep(5 * time.Second)
		d := dashboard.New(s.host, dashboard.Config{})
		got := d.State()
		wantProblem(t, problem(t, got, "import"), dashboard.Failed, "stuck in Next", "")
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/schedules", nil))
		if !strings.Contains(w.Body.String(), "stuck in Next") {
			t.Error("the page does not say it")
		}
		close(h)
		synctest.Wait()
		if got := d.State().Problems; slices.ContainsFunc(got, func(p dashboard.Problem) bool { return p.Name == "import" }) {
			t.Errorf("it came back: %+v", got)
		}
	})
}
