package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func quietProducts(failRate float64) *products {
	return newProducts(newOrigin(failRate), slog.New(slog.DiscardHandler))
}

// refreshing starts what visitors ask.
func refreshing(t *testing.T, p *products) {
	t.Helper()
	w := p.refresher()
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop(context.Background()) })
}

func TestAThousandVisitorsOfAnOldCacheMakeOneCallAndDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProducts(0)
		if err := p.warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		refreshing(t, p)
		old := p.cached.Load()
		time.Sleep(freshFor)
		begin := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if list, err := p.get(); err != nil || list != old {
					t.Errorf("%v, %v", list, err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(begin); took != 0 {
			t.Errorf("the visitors waited %v", took)
		}
		time.Sleep(2 * p.origin.takes)
		synctest.Wait()
		if list, err := p.get(); err != nil || list == old || p.origin.calls.Load() != 2 {
			t.Errorf("%v, %v after %d calls", list, err, p.origin.calls.Load())
		}
		if s := p.asked.Stats(); s.Accepted != 1000 || s.Coalesced < 998 {
			t.Errorf("%+v", s)
		}
	})
}

func TestOldProductsStayAfterAFailedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProducts(0)
		if err := p.warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		refreshing(t, p)
		old, err := p.get()
		if err != nil {
			t.Fatal(err)
		}
		p.origin.failRate = 1
		time.Sleep(2 * freshFor)
		if p.refresh(t.Context()) == nil {
			t.Error("the refresh did not fail")
		}
		if again, err := p.get(); err != nil || again != old {
			t.Errorf("%v, %v; want the old ones", again, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		p.origin.failRate = 0
		if again, err := p.get(); err != nil || again != old {
			t.Errorf("%v, %v; want the old ones", again, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if fresh, err := p.get(); err != nil || fresh == old {
			t.Errorf("%v, %v; want new ones", fresh, err)
		}
	})
}

func TestTheShopOpensWithoutProductsRatherThanNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProducts(1)
		if err := p.warm(t.Context()); err != nil {
			t.Errorf("warm-up: %v", err)
		}
		if _, err := p.get(); err == nil {
			t.Error("got products from nowhere")
		}
		stopping, stop := context.WithCancelCause(t.Context())
		stop(context.DeadlineExceeded)
		if err := p.warm(stopping); err == nil {
			t.Error("a warm-up that was stopped is no success")
		}
	})
}

func TestOldProductsShowInReadinessAndCloseTheShopOnlyIfThatIsWanted(t *testing.T) {
	for name, c := range map[string]struct {
		options []hosted.Option
		code    int
	}{
		"open with old ones":  {[]hosted.Option{hosted.NotCritical()}, http.StatusOK},
		"closed without them": {nil, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := quietProducts(0)
				host := hosted.New(hosted.Config{})
				host.Task("warm-up", p.warm)
				host.Go("products", wait, append(c.options, hosted.Health(p.health))...)
				if err := host.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				ready := func() (int, string) {
					w := httptest.NewRecorder()
					host.ReadyHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose=1", nil))
					return w.Code, w.Body.String()
				}
				if code, body := ready(); code != http.StatusOK || !strings.Contains(body, "[+]products") {
					t.Errorf("fresh: %d %s", code, body)
				}
				time.Sleep(oldAfter + time.Second)
				if code, body := ready(); code != c.code || !strings.Contains(body, "[-]products") {
					t.Errorf("old: %d, want %d: %s", code, c.code, body)
				}
				if err := p.refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // probes share what a check found for that long
				if code, body := ready(); code != http.StatusOK || !strings.Contains(body, "[+]products") {
					t.Errorf("fresh again: %d %s", code, body)
				}
				if err := host.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func wait(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
