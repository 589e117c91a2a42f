package leader_test

import (
	"context"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
)

func TestANilElectorOrFunctionFailsTheStartAndNothingElse(t *testing.T) {
	elector, err := leader.New(&leadertest.Store{}, leader.Config{Group: "news"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		service *leader.Service
		want    string
	}{
		"elector":          {leader.Loop(nil, func(context.Context) error { return nil }), "the elector is nil"},
		"elector of Only":  {leader.Only(nil, func() (hosted.Service, error) { return hosted.New(hosted.Config{}), nil }), "the elector is nil"},
		"function":         {leader.Only(elector, nil), "the function is nil"},
		"function of Loop": {leader.Loop(elector, nil), "the function is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosted.New(hosted.Config{})
			host.Add("news", c.service)
			if err := host.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start = %v, want %q", err, c.want)
			}
			s := c.service
			if leading, _, _ := s.Role(); leading || s.Stuck() != 0 || s.Leftover() != 0 || s.Backlog() != 0 || s.Unwrap() != nil || s.Counts() != nil {
				t.Error("it says that something runs")
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Errorf("Stop = %v", err)
			}
		})
	}
	if err := leader.Loop(elector, func(context.Context) error { return nil }).Start(t.Context()); err != nil {
		t.Errorf("the elector was taken: %v", err)
	}
}

func TestAStoreThatIsNilIsRefusedAtOnce(t *testing.T) {
	work := func(context.Context, int64) error { return nil }
	for _, store := range []leader.Store{nil, (*leadertest.Store)(nil)} {
		_, err := leader.New(store, leader.Config{Group: "news"})
		for name, err := range map[string]error{"New": err, "Do": leader.Do(t.Context(), store, "news", work), "TryDo": leader.TryDo(t.Context(), store, "news", work)} {
			if err == nil || !strings.Contains(err.Error(), "the store is nil") {
				t.Errorf("%s of %T: %v", name, store, err)
			}
		}
	}
}
