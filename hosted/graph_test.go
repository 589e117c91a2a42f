package hosted_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestTheOrderFollowsTheGraphAndOtherwiseTheRegistration(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	h.Add("a", traced(&r, "a"), hosted.After("d"))
	h.Add("b", traced(&r, "b"))
	h.Add("c", traced(&r, "c"), hosted.After("b"))
	h.Add("d", traced(&r, "d"))
	h.Add("e", traced(&r, "e"))
	starts(t, h)
	stops(t, h)
	// a waits for d; as soon as d is up it is the first of those that may start.
	r.want(t, "start b", "start c", "start d", "start a", "start e",
		"stop e", "stop a", "stop d", "stop c", "stop b")
}

func TestALongChainAndADenseGraphAreSorted(t *testing.T) {
	t.Run("chain", func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		var want []string
		for i := range 1000 {
			name := fmt.Sprint(i)
			want = append([]string{"start " + name}, want...)
			var opts []hosted.Option
			if i < 999 {
				opts = append(opts, hosted.After(fmt.Sprint(i+1)))
			}
			h.Add(name, &fake{start: func(context.Context) error { r.addf("start %s", name); return nil }}, opts...)
		}
		starts(t, h)
		r.want(t, want...)
		stops(t, h)
	})
	t.Run("layers", func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		for layer := range 12 {
			for i := range 3 {
				var after []string
				for j := range 3 {
					if layer > 0 {
						after = append(after, fmt.Sprintf("%d.%d", layer-1, j))
					}
				}
				name := fmt.Sprintf("%d.%d", layer, i)
				h.Add(name, traced(&r, name), hosted.After(after...))
			}
		}
		starts(t, h)
		if n := len(r.all()); n != 36 {
			t.Errorf("%d started, want 36", n)
		}
		stops(t, h)
	})
}

func TestTheGraphIsAMermaidFlowchartWithStates(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("api", idle, hosted.After("db"))
	h.Add("db", &fake{})
	h.Add(`say "hi"`, &fake{})
	want := "flowchart TD\n    s0[\"api: new\"]\n    s1[\"db: new\"]\n    s2[\"say #quot;hi#quot;: new\"]\n    s1 --> s0\n"
	if got := h.Graph(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	starts(t, h)
	wantText(t, h.Graph(), `"db: running"`, `"api: running"`)
	stops(t, h)
	wantText(t, h.Graph(), `"db: stopped"`)
}

func TestServicesAreInOrderOfStartOnceStarted(t *testing.T) {
	h := hosted.New(hosted.Config{})
	w := watched("orders")
	h.Go("api", idle, hosted.After("db"), hosted.Watch(&w), hosted.NotCritical())
	db := &fake{}
	h.Add("db", db)
	names := func() string {
		var all []string
		for _, s := range h.Services() {
			all = append(all, s.Name)
		}
		return strings.Join(all, " ")
	}
	if got := names(); got != "api db" {
		t.Errorf("before the start: %s", got)
	}
	starts(t, h)
	if got := names(); got != "db api" {
		t.Errorf("after the start: %s", got)
	}
	api := status(t, h, "api")
	if len(api.After) != 1 || api.After[0] != "db" || api.Critical || !api.Ready || api.State != lifecycle.Running {
		t.Errorf("status of api is %+v", api)
	}
	if len(api.Watched) != 1 || api.Watched[0].Name() != "orders" {
		t.Errorf("watched is %v", api.Watched)
	}
	if status(t, h, "db").Service != hosted.Service(db) {
		t.Error("the service is not the one that was added")
	}
	stops(t, h)
}
