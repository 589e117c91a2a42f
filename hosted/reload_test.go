package hosted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// reloading is a fake that can reload.
type reloading struct {
	fake
	reload func(ctx context.Context) error
}

func (r *reloading) Reload(ctx context.Context) error { return call(ctx, r.reload) }

func tracedReload(r *record, name string, err error) *reloading {
	return &reloading{reload: func(context.Context) error { r.addf("reload %s", name); return err }}
}

func TestReloadCallsEveryReloaderInOrderAndJoinsTheErrors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("a", tracedReload(&r, "a", errBoom))
		h.Add("plain", &fake{})
		h.Add("b", wrapper{tracedReload(&r, "b", nil)})
		h.Add("c", &reloading{reload: func(context.Context) error { panic(errOther) }})
		starts(t, h)
		err := h.Reload(t.Context())
		wantList(t, "errors", calls(err), "reload a", "reload c")
		wantIs(t, err, errBoom)
		wantIs(t, err, errOther)
		r.want(t, "reload a", "reload b")
		if n := len(log.matching("ERROR service not reloaded")); n != 2 {
			t.Errorf("%d errors logged, want 2: %q", n, log.all())
		}
		if closed(h.Lifetime().Stopping()) {
			t.Error("a failed reload stops the host")
		}
		stops(t, h)
	})
}

func TestReloadIsRefusedUnlessTheHostRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{DrainDelay: time.Second})
		h.Add("a", tracedReload(&r, "a", nil))
		h.Add("slow", &fake{start: after(time.Second, nil), stop: after(time.Second, nil)})
		refused := func(when string) {
			t.Helper()
			if h.Reload(t.Context()) == nil {
				t.Errorf("%s: not refused", when)
			}
		}
		refused("before the start")
		result := runs(t.Context(), h)
		synctest.Wait()
		refused("while starting")
		pass(time.Second)
		wantNil(t, h.Reload(t.Context()))
		h.Lifetime().Stop(nil)
		refused("during the drain delay")
		pass(1500 * time.Millisecond)
		refused("while stopping")
		wantNil(t, <-result)
		refused("stopped")
		r.want(t, "reload a")
	})
}

func TestReloadsDoNotOverlap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("a", &reloading{reload: func(context.Context) error {
			r.addf("begin")
			time.Sleep(time.Minute)
			r.addf("end")
			return nil
		}})
		starts(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, h.Reload(ctx), context.DeadlineExceeded)
		if h.Reload(t.Context()) == nil {
			t.Error("a reload was accepted while the service still does the last one")
		}
		r.want(t, "begin")
		pass(time.Hour)
		wantNil(t, h.Reload(t.Context()))
		r.want(t, "begin", "end", "begin", "end")
		stops(t, h)
	})
}

func TestAReloadUnderWayRefusesTheNextAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("a", &reloading{reload: after(time.Minute, nil)})
		starts(t, h)
		first := make(chan error, 1)
		go func() { first <- h.Reload(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		if h.Reload(t.Context()) == nil || time.Since(began) != 0 {
			t.Error("the second was not refused at once")
		}
		wantNil(t, <-first)
		stops(t, h)
	})
}

func TestAStopEndsAReloadAndDoesNotWaitForIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("a", &reloading{reload: stuck(t)})
		h.Add("b", &reloading{reload: func(context.Context) error { t.Error("b was reloaded"); return nil }})
		starts(t, h)
		result := make(chan error, 1)
		go func() { result <- h.Reload(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 0 {
			t.Errorf("the stop took %v", took)
		}
		wantIs(t, <-result, hosted.ErrStopping)
	})
}

func TestAServiceThatIsNotRunningIsNotReloaded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		s := struct {
			*ending
			*reloading
		}{newEnding(), tracedReload(&r, "a", nil)}
		h.Add("a", &endingReloader{s.ending, s.reloading.reload})
		starts(t, h)
		s.ending.end(nil)
		synctest.Wait()
		wantNil(t, h.Reload(t.Context()))
		r.want(t)
		stops(t, h)
	})
}

type endingReloader struct {
	*ending
	reload func(ctx context.Context) error
}

func (e *endingReloader) Reload(ctx context.Context) error { return e.reload(ctx) }
