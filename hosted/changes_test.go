package hosted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestTheLastStatesOfAServiceThatFailsAreKeptWithTheirReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		n := 0
		host.Go("flaky", func(ctx context.Context) error {
			if n++; n > 15 {
				<-ctx.Done()
				return nil
			}
			return fmt.Errorf("failure %d", n)
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Minute, Max: time.Minute, Limit: -1})))
		host.Go("calm", func(ctx context.Context) error { <-ctx.Done(); return nil })
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		synctest.Wait()
		got := host.Services()[0].Changes
		if len(got) != 2 || got[0].State != lifecycle.Running || got[1].State != lifecycle.Restarting || got[1].Err.Error() != "failure 1" || !got[1].At.Equal(began) {
			t.Errorf("after one failure: %+v", got)
		}
		time.Sleep(time.Hour)
		_ = host.Stop(t.Context())
		services := host.Services()
		flaky := services[0].Changes
		if len(got) != 2 || got[1].State != lifecycle.Restarting {
			t.Errorf("what was handed out has become %+v", got)
		}
		if len(flaky) != 20 || services[1].Changes != nil {
			t.Fatalf("%d states of flaky are kept, of calm %+v", len(flaky), services[1].Changes)
		}
		if last := flaky[19]; last.State != lifecycle.Stopped || last.Err != nil {
			t.Errorf("the last is %+v", last)
		}
		if why := flaky[16]; why.State != lifecycle.Restarting || why.Err.Error() != "failure 15" {
			t.Errorf("the last restart is %+v", why)
		}
	})
}
