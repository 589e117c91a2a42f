package leader_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
)

func TestAServiceThatDoesNotStartCostsTheLeadAndAnotherTakesIt(t *testing.T) {
	for name, construct := range map[string]func() (hosted.Service, error){
		"Start fails": func() (hosted.Service, error) {
			return hosted.Once(func(context.Context) error { return errWork }), nil
		},
		"Start panics": func() (hosted.Service, error) {
			return hosted.Once(func(context.Context) error { panic(errWork) }), nil
		},
		"not made": func() (hosted.Service, error) { return nil, errWork },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, e *env) {
				bad, good := e.elector(t), e.elector(t)
				s := leader.Only(bad, construct)
				up(t, s)
				if st := bad.Stats(); st.Leading || !errors.Is(st.Err, errWork) {
					t.Errorf("%+v", st)
				}
				up(t, leader.Loop(good, (&obeys{}).run))
				time.Sleep(10 * ttl)
				if st := good.Stats(); !st.Leading || st.Terms != 1 {
					t.Errorf("the other: %+v", st)
				}
				select {
				case <-s.Done():
					t.Errorf("it ended with %v", s.Err())
				default: // it stands again when the other is gone
				}
			})
		})
	}
}

var errWork = errors.New("no paper")

func TestTheEndOfTheInnerServiceIsTheEndOfTheService(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(context.Context) error
		want error
	}{
		"completed": {func(context.Context) error { time.Sleep(time.Minute); return nil }, nil},
		"failed":    {func(context.Context) error { time.Sleep(time.Minute); return errWork }, errWork},
		"panicked":  {func(context.Context) error { time.Sleep(time.Minute); panic(errWork) }, errWork},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, e *env) {
				for _, s := range []*leader.Service{
					leader.Loop(e.elector(t), c.run),
					leader.Only(e.elector(t), func() (hosted.Service, error) { return hosted.Loop(c.run), nil }),
				} {
					up(t, s)
					<-s.Done()
					if err := s.Err(); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
						t.Errorf("Err = %v", err)
					}
					if h := e.store.Holder("news"); h != "" {
						t.Errorf("%q has the lead", h)
					}
					if err := down(t, s, time.Minute); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestAFailureGoesToThePolicyOfTheHostAndARestartStandsAgain(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		fail := func(context.Context) error { time.Sleep(time.Minute); return errWork }
		host := hosted.New(hosted.Config{})
		host.Add("news", hosted.Fresh(func() (hosted.Service, error) { return leader.Loop(elector, fail), nil }),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: 3, Per: time.Hour})))
		up(t, host)
		<-host.Done()
		if err := host.Err(); !errors.Is(err, errWork) {
			t.Errorf("the host ended with %v", err)
		}
		if s := elector.Stats(); s.Terms != 4 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatAnyTermLeftOverIsInTheReport(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		var mu sync.Mutex
		var queue *channelq.Queue[int]
		host := hosted.New(hosted.Config{})
		host.Add("mail", leader.Only(elector, func() (hosted.Service, error) {
			q, err := channelq.New(channelq.Config[int]{Name: "mail", Capacity: 10})
			if err != nil {
				return nil, err
			}
			mu.Lock()
			queue = q
			mu.Unlock()
			send := func(ctx context.Context, n int) error {
				if n == 0 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			}
			return channelq.NewWorkers(q, send, channelq.WorkerConfig[int]{Concurrency: 1})
		}))
		up(t, host)
		for term := range 2 {
			until(t, "term", leading(elector))
			synctest.Wait()
			mu.Lock()
			q := queue
			mu.Unlock()
			for n := range 4 { // one is sent, one is cut, two are never begun
				if err := q.Enqueue(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if term == 0 {
				e.store.Forget()
				until(t, "loss", func() bool { return elector.Stats().Lost > 0 })
			}
		}
		if err := down(t, host, time.Minute); err == nil {
			t.Error("the stop does not tell of what was left over")
		}
		line := host.Report().Services[0]
		if line.Leftover != 6 || line.Items["accepted"] != 8 || line.Items["handled"] != 2 || line.Items["leftover"] != 6 {
			t.Errorf("left over %d, items %v", line.Leftover, line.Items)
		}
	})
}

func TestAHostOfSeveralServicesLeadsAsOne(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		var a, b obeys
		s := leader.Only(elector, func() (hosted.Service, error) {
			h := hosted.New(hosted.Config{Name: "news"})
			h.Go("a", a.run)
			h.Go("b", b.run)
			return h, nil
		})
		outer := hosted.New(hosted.Config{})
		outer.Add("leader", s)
		up(t, outer)
		e.store.Forget()
		until(t, "second term", func() bool { return elector.Stats().Terms == 2 })
		synctest.Wait()
		if err := down(t, outer, time.Minute); err != nil {
			t.Error(err)
		}
		if n, _, _ := a.get(); n != 2 {
			t.Errorf("a ran %d times", n)
		}
		if n, _, _ := b.get(); n != 2 {
			t.Errorf("b ran %d times", n)
		}
	})
}

func TestStragglersInsideAreNamedByTheHost(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		release := make(chan struct{})
		outer := hosted.New(hosted.Config{})
		outer.Add("news", leader.Only(e.elector(t), func() (hosted.Service, error) {
			h := hosted.New(hosted.Config{Name: "inner"})
			h.Go("deaf", func(context.Context) error { <-release; return nil })
			return h, nil
		}))
		up(t, outer)
		err := down(t, outer, 10*time.Second)
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) {
			t.Fatalf("Stop = %v", err)
		}
		if name := timeout.Stragglers[0].Service; !strings.HasPrefix(name, "news") {
			t.Errorf("straggler %q", name)
		}
		if e.store.Holder("news") == "" {
			t.Error("the lead was given back while the work goes on")
		}
		close(release)
		time.Sleep(time.Hour)
	})
}
