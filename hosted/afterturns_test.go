package hosted_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// mumbling is a service that does not say what it left.
type mumbling struct {
	fake
	in   string
	free chan struct{}
}

func (m *mumbling) hang(method string) {
	if m.in == method {
		<-m.free
	}
}

func (m *mumbling) Leftover() int { m.hang("Leftover"); return 1 }
func (m *mumbling) Stuck() int    { m.hang("Stuck"); return 0 }
func (m *mumbling) Counts() map[string]uint64 {
	m.hang("Counts")
	return map[string]uint64{"accepted": 1, "leftover": 1}
}
func (m *mumbling) Name() string { return fmt.Sprintf("%p", m) }
func (m *mumbling) Len() int     { m.hang("Len"); return 1 }

// All are asked at once and under one bound; those who answer are heard.
func TestHowManyServicesDoNotSayWhatTheyLeftTheStopIsOverInTime(t *testing.T) {
	for _, in := range []string{"Leftover", "Stuck", "Counts", "Len"} {
		t.Run(in, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				free := make(chan struct{})
				defer close(free)
				h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
				for i := range 300 {
					m := &mumbling{in: in, free: free}
					if in == "Len" {
						h.Go(fmt.Sprint(i), idle, hosted.Watch(m))
					} else {
						h.Add(fmt.Sprint(i), m)
					}
				}
				h.Add("deaf", &fake{stop: stuck(t)})
				h.Add("says", &mumbling{})
				starts(t, h)
				began := time.Now()
				_ = h.Stop(context.Background())
				within(t, began, time.Second)
				r := h.Report()
				if s := r.Services[0]; s.Name != "says" || s.Leftover != 1 || s.Items["accepted"] != 1 {
					t.Errorf("the one that answers: %+v", s)
				}
				if s := r.Services[len(r.Services)-1]; in == "Stuck" && (s.Leftover != 1 || s.Items["accepted"] != 1) {
					t.Errorf("what was said before the question that is not answered is lost: %+v", s)
				}
			})
		})
	}
}

func TestAStopWithVeryManyGoroutinesNamesWhoDidNotReturn(t *testing.T) {
	const many = 5000 // more than whose stacks there is time for after the end
	free := make(chan struct{})
	defer close(free)
	h := hosted.New(hosted.Config{ShutdownTimeout: 200 * time.Millisecond})
	h.Add("deaf", &fake{
		start: func(context.Context) error {
			for range many {
				go func() { <-free }()
			}
			return nil
		},
		stop: func(context.Context) error { <-free; return nil },
	})
	starts(t, h)
	wantList(t, "stragglers", stragglers(h.Stop(context.Background())), "stop deaf")
}
