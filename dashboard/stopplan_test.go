package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// slowQueue is a service that takes a while for each item.
func slowQueue(t *testing.T, each time.Duration) (*channelq.Queue[int], *channelq.Workers[int]) {
	t.Helper()
	q, err := channelq.New(channelq.Config[int]{Name: "letters", Capacity: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { time.Sleep(each); return nil }, channelq.WorkerConfig[int]{
		Concurrency: 1, OnLeftover: func(context.Context, []int) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return q, w
}

func TestTheStopPageSaysWhatAStopWouldWaitForBeforeThereIsOne(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, w := slowQueue(t, 100*time.Millisecond)
		s.host.Add("letters", w)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		wantText(t, get(t, d, "/stop"), "Nobody has asked", "Nothing is in hand. There are 25 s.")
		for range 80 {
			_ = q.TryEnqueue(1)
		}
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		wantText(t, get(t, d, "/stop"), "letters 80 items. How long that takes is not known; there are 25 s.")
		time.Sleep(2 * time.Second)
		wantText(t, get(t, d, "/stop"), "letters 60 items, about 6 s of 25 s.", `data-key="p-letters"`, `data-key="p-mailer"`)
		w.Pause()
	})
}

func TestTheStopPageNamesWhoWouldBeCut(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, w := slowQueue(t, time.Second)
		s.host.Add("letters", w)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for range 100 {
			_ = q.TryEnqueue(1)
		}
		synctest.Wait()
		get(t, d, "/stop")
		time.Sleep(5*time.Second + time.Millisecond)
		wantText(t, get(t, d, "/stop"), "<strong>letters</strong> would be cut: it needs about 1 min and has ")
		// And live, while it stops.
		s.host.Lifetime().Stop(errors.New("deploy"))
		time.Sleep(4 * time.Second)
		body := get(t, d, "/stop")
		wantText(t, body, "What is left", "would be cut", `data-key="p-letters"`, `data-key="p-mailer"`)
		<-s.host.Done()
		if body := get(t, d, "/stop").Body.String(); strings.Contains(body, "What is left") {
			t.Error("the stop is over, and something is left")
		}
	})
}

func TestTheStopPageTellsOfTheDrainDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		host.Add("web", stopOnly(func(context.Context) error { return nil }))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var d http.Handler = dashboard.New(host, dashboard.Config{})
		wantText(t, get(t, d, "/stop"), "it serves on for 5\u00a0s, the drain delay", "does not say")
		if err := host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheStopPageNamesTheFirstOfManyWhoHaveSomethingInHand(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		for i := range 150 {
			s.host.Add(fmt.Sprintf("service-%03d", i), &busy{idle(), 1 + i%2})
		}
		s.start(t)
		w := get(t, dashboard.New(s.host, dashboard.Config{}), "/stop")
		wantText(t, w, "service-149 2 items, service-148 1 item, ", "service-140 1 item, 140 other services with 210 items in hand. How long that takes is not known")
		if n := strings.Count(w.Body.String(), `data-key="p-`); n != 100 {
			t.Errorf("%d rows", n)
		}
	})
}

// busy has always the same in hand.
type busy struct {
	hosted.Service
	inHand int
}

func (b *busy) Backlog() int { return b.inHand }
