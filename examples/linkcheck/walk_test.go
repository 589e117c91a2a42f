package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
)

// web answers requests without a network, which lets a test have its own time.
type web func(*http.Request) (status int, page string)

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	status, page := w(r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status,
		Header:  http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:    io.NopCloser(strings.NewReader(page)),
		Request: r,
	}, nil
}

// walkThrough is one walk from http://site/.
func walkThrough(t *testing.T, parallel int, perSecond float64, answer web) (result, time.Duration) {
	t.Helper()
	w := newWalker(parallel, perSecond)
	w.client.Transport = answer
	host := hosted.New(hosted.Config{})
	host.Add("links", w.checkers)
	hostedtest.Start(t, host)
	began := time.Now()
	r, err := w.walk(t.Context(), []string{"http://site"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, time.Since(began)
}

// A page with more links than the queue has room for: if the walk waited for room
// it would wait for ever.
func TestAWalkIsCompleteBoundedAndNotTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, now, most atomic.Int64
		r, took := walkThrough(t, 3, 10, func(r *http.Request) (int, string) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			asked.Add(1)
			time.Sleep(time.Second)
			page := ""
			if r.URL.Path == "/" {
				for i := range 500 {
					page += fmt.Sprintf(`<a href="/%d"><a href="/%d">`, i, i)
				}
			}
			return http.StatusOK, page + `<a href="/">`
		})
		if r.checked != 501 || len(r.broken) != 0 || asked.Load() != 501 {
			t.Errorf("%d checked, %d broken, asked %d times", r.checked, len(r.broken), asked.Load())
		}
		if most.Load() != 3 {
			t.Errorf("%d requests at a time", most.Load())
		}
		// The limit on parallel requests, of a second each, is the narrower one.
		if want := 168 * time.Second; took < want || took > want+time.Second {
			t.Errorf("took %v, want %v and what the rate limit spreads the first by", took, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, took := walkThrough(t, 3, 10, func(r *http.Request) (int, string) {
			if r.URL.Path == "/" {
				return http.StatusOK, strings.Repeat(`<a href="/1"><a href="/2"><a href="/3">`, 2)
			}
			return http.StatusOK, ""
		})
		if r.checked != 4 || took != 300*time.Millisecond {
			t.Errorf("%d checked in %v", r.checked, took)
		}
	})
}

func TestOnlyWhatMayPassIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		r, _ := walkThrough(t, 1, 0, func(r *http.Request) (int, string) {
			asked[r.URL.String()]++
			switch r.URL.Path {
			case "/":
				return http.StatusOK, `<a href="gone"><a href="down"><a href="busy"><a href="http://elsewhere/page">`
			case "/gone":
				return http.StatusNotFound, ""
			case "/down":
				return http.StatusInternalServerError, ""
			case "/busy":
				if asked[r.URL.String()] < 3 {
					return http.StatusTooManyRequests, ""
				}
			}
			return http.StatusOK, `<a href="http://elsewhere/further">`
		})
		want := map[string]int{
			"http://site/": 1, "http://site/gone": 1, "http://site/down": 3, "http://site/busy": 3,
			"http://elsewhere/page": 1, "http://elsewhere/further": 1, // linked by busy; page itself was not read
		}
		if fmt.Sprint(asked) != fmt.Sprint(want) {
			t.Errorf("asked %v\n want %v", asked, want)
		}
		slices.SortFunc(r.broken, func(a, b broken) int { return strings.Compare(a.address, b.address) })
		const list = `
6 links checked, 2 broken
  http://site/down: 500 Internal Server Error
      on http://site/
  http://site/gone: 404 Not Found
      on http://site/
`
		if r.String() != list {
			t.Errorf("got %s", r)
		}
	})
}

func TestAWalkThatIsCutShortLeavesTheRestUnchecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWalker(2, 0)
		w.client.Transport = web(func(r *http.Request) (int, string) {
			if r.URL.Path != "/" {
				<-r.Context().Done()
			}
			return http.StatusOK, `<a href="1"><a href="2"><a href="3"><a href="4">`
		})
		host := hosted.New(hosted.Config{ShutdownTimeout: time.Minute})
		host.Add("links", w.checkers)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(enough) })
		if _, err := w.walk(ctx, []string{"http://site/"}, nil); !errors.Is(err, enough) {
			t.Errorf("got %v", err)
		}
		if err := host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if s := w.links.Stats(); s.Accepted != 5 || s.Handled != 1 || s.Leftover != 4 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestLinksOfAPage(t *testing.T) {
	base, err := url.Parse("https://site/shop/tents?page=2")
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]string{
		`<a href="one">`:                              "https://site/shop/one",
		`<A HREF='/one#part'>`:                        "https://site/one",
		`<a href="?page=3">`:                          "https://site/shop/tents?page=3",
		`<a href="//other">`:                          "https://other/",
		`<a href=" two ">`:                            "https://site/shop/two",
		`<img src="a.png"><script src="b.js"/>`:       "https://site/shop/a.png https://site/shop/b.js",
		`<base href="/top/"><a href="one">`:           "https://site/top/one",
		`<a href="mailto:a@b.c"><a href="tel:1">`:     "",
		`<!-- <a href="one"> --><p title="<a href=">`: "",
		`<a href="http://[broken"><a name="x">`:       "",
		`<script>"<a href='one'>"</script>`:           "",
	} {
		got, err := links(base, strings.NewReader(page))
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s\n got %q, %v\nwant %q", page, got, err, want)
		}
	}
}
