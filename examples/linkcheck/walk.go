package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
)

// walker finds broken links. Two sides work together: the walk, one goroutine that
// knows which links there are and so needs no lock, and the checkers, a bounded
// number of workers that ask for one link each. A queue carries the links there, a
// channel what was found back.
type walker struct {
	client   *http.Client
	links    *channelq.Queue[link]
	checkers *channelq.Workers[link]
	found    chan found
	over     chan struct{} // closed when a walk was cut short and nobody reads found
}

// link is an address to ask for.
type link struct {
	address string
	read    bool // the page there is one of ours, and its links count
}

// found is what became of a link.
type found struct {
	link
	links []string
	err   error
}

func newWalker(parallel int, perSecond float64) *walker {
	transport := http.DefaultTransport.(*http.Transport).Clone() // documented
	transport.MaxIdleConnsPerHost = parallel
	w := &walker{client: &http.Client{Transport: transport}, found: make(chan found), over: make(chan struct{})}
	w.links = cli.Must(channelq.New(channelq.Config[link]{Name: "links", Capacity: 100}))
	w.checkers = cli.Must(channelq.NewWorkers(w.links, w.check, channelq.WorkerConfig[link]{
		Concurrency: parallel,
		RateLimit:   rate.Limit(perSecond), // of all checkers together
		Timeout:     10 * time.Second,
		Retry:       channelq.Retry{Attempts: 3, Initial: 200 * time.Millisecond},
		OnGiveUp:    w.gaveUp,
		OnLeftover:  func(context.Context, []link) error { return nil }, // the next walk finds them again
	}))
	return w
}

// check is the handler. An error that is not permanent is retried, and the last
// one goes to gaveUp.
func (w *walker) check(ctx context.Context, l link) error {
	links, err := get(ctx, w.client, l)
	if err != nil {
		return err
	}
	return w.tell(ctx, found{l, links, nil})
}

func (w *walker) gaveUp(ctx context.Context, l link, err error) {
	var last *channelq.GiveUpError
	if errors.As(err, &last) {
		err = last.Err
	}
	_ = w.tell(ctx, found{l, nil, err})
}

func (w *walker) tell(ctx context.Context, f found) error {
	select {
	case w.found <- f:
		return nil
	case <-w.over:
		return errors.New("the walk has ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// walk asks for the starts and all that can be reached from them, once each. Only one
// walk may run at a time. If ctx is canceled, the walk is cut short and the last one.
func (w *walker) walk(ctx context.Context, starts []string, show *progress) (result, error) {
	defer show.end()
	// No server has to wait, when it stops, for a connection that is of no use.
	defer w.client.CloseIdleConnections()
	known := map[string][]string{} // the pages that link to an address
	hosts := map[string]bool{}     // whose pages are read
	var todo []link
	add := func(address string, pages ...string) {
		on, before := known[address]
		if u, err := url.Parse(address); err == nil && !before {
			todo = append(todo, link{address, hosts[u.Host]})
		}
		if len(on) == 0 || !slices.Equal(on[len(on)-1:], pages) { // a page may say it twice
			on = append(on, pages...)
		}
		known[address] = on
	}
	for _, address := range starts {
		u, err := url.Parse(address)
		if err != nil {
			return result{}, err
		}
		hosts[u.Host] = true
		add(normal(u))
	}

	var r result
	for r.checked < len(known) {
		// As much as there is room for. If there is none, answers are due, and the
		// rest has its turn after the next one: waiting here for room, while the
		// checkers wait here to be heard, would be for ever.
		for len(todo) > 0 && w.links.TryEnqueue(todo[0]) == nil {
			todo = todo[1:]
		}
		select {
		case f := <-w.found:
			r.checked++
			if f.err != nil {
				r.broken = append(r.broken, broken{f.address, f.err, nil})
			}
			for _, address := range f.links {
				add(address, f.address)
			}
			show.checked(len(known), f)
		case <-ctx.Done():
			// Without the pause the stop would have the rest of the queue checked.
			w.checkers.Pause()
			close(w.over)
			return result{}, context.Cause(ctx)
		}
	}
	for i := range r.broken {
		r.broken[i].pages = known[r.broken[i].address]
	}
	return r, nil
}
