package dashboard_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// twin is a host with a queue and a schedule that are called as those of the shop.
func twin(t *testing.T) (*hosted.Host, *channelq.Workers[secret]) {
	t.Helper()
	q, err := channelq.New(channelq.Config[secret]{Name: "emails", Capacity: 9})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(context.Context, secret) error { return nil }, channelq.WorkerConfig[secret]{})
	if err != nil {
		t.Fatal(err)
	}
	job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour), Phase: -1}, func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	host := hosted.New(hosted.Config{Name: "twin"})
	host.Add("mailer", w)
	host.Add("reports", job)
	return host, w
}

func TestQueuesAndSchedulesOfOneNameInNestedHostsAreApart(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		one, _ := twin(t)
		two, paused := twin(t)
		s.host.Add("eu", one)
		s.host.Add("us", two)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		wantStatus(t, do(d, form("", "verb", "pause", "kind", "queue", "name", "us/emails")), http.StatusSeeOther)
		if !paused.Paused() || s.workers.Paused() {
			t.Error("the wrong queue was paused")
		}
		state := d.State()
		var queues, schedules, services []string
		for _, q := range state.Queues {
			queues = append(queues, q.Name)
			if q.Paused != (q.Name == "us/emails") || (q.Capacity == 4) != (q.Name == "emails") || len(q.Services) != 1 {
				t.Errorf("%s: paused %v, of %v, room for %d", q.Name, q.Paused, q.Services, q.Capacity)
			}
		}
		for _, j := range state.Schedules {
			schedules = append(schedules, j.Name)
		}
		for _, v := range state.Services {
			services = append(services, v.Name)
		}
		if want := []string{"emails", "eu/emails", "us/emails"}; !slices.Equal(queues, want) {
			t.Errorf("queues are %q, want %q", queues, want)
		}
		if want := []string{"report", "eu/report", "us/report"}; !slices.Equal(schedules, want) {
			t.Errorf("schedules are %q, want %q", schedules, want)
		}
		// Read from top to bottom, what is inside a host comes behind it.
		if want := []string{"mailer", "reports", "eu", "eu/mailer", "eu/reports", "us", "us/mailer", "us/reports"}; !slices.Equal(services, want) {
			t.Errorf("services are %q, want %q", services, want)
		}
		wantText(t, get(t, d, "/queue?name=us%2femails"), "used by us/mailer", "paused")
	})
}

func TestAQueueThatServicesOfSeveralHostsUseIsOne(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		helpers, err := channelq.NewWorkers(s.queue, s.handle, channelq.WorkerConfig[secret]{Detach: true})
		if err != nil {
			t.Fatal(err)
		}
		inner := hosted.New(hosted.Config{Name: "inner"})
		inner.Add("helpers", helpers)
		s.host.Add("inner", inner)
		s.start(t)
		state := dashboard.New(s.host, dashboard.Config{}).State()
		if len(state.Queues) != 1 || !slices.Equal(state.Queues[0].Services, []string{"mailer", "inner/helpers"}) {
			t.Errorf("%+v", state.Queues)
		}
	})
}
