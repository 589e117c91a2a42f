package dashboard

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/steadgo/stead/hosted"
)

// Config of a Dashboard. The zero value shows everything but payloads and changes
// nothing.
type Config struct {
	// Title stands at the top of the page. "": the name of the host.
	Title string

	// Authorize decides whether the request may do the action: nil lets it, an
	// error refuses it with 403 and is shown to whoever asked. It is called for
	// every action, after the request was found not to come from another site.
	// nil: the page is read-only. Who may look at all is not its business: wrap
	// the Dashboard in the middleware that guards the rest of your admin pages.
	Authorize func(r *http.Request, a Action) error

	// Actor names who sent the request, for the log. nil: the user name of HTTP
	// basic authentication, or the remote address.
	Actor func(r *http.Request) string

	// FormatItem is how an item of a queue is shown, as text; "" shows nothing. queue
	// is its name on the page: with the path of the hosts it is in. A durable job
	// that does not decode any more is given as its JSON, a string.
	// Leave out what not everybody who sees the page may know. It is called for
	// every failed or waiting item of every page, so it should be quick. nil:
	// items are hidden.
	FormatItem func(queue string, item any) string

	// Hosts are the values of the Host header, without port, that are answered;
	// others get 421. It keeps a page on a loopback or private address from being
	// read through DNS rebinding. nil: any.
	Hosts []string

	// SlowAfter is how long the oldest item of a queue may wait, and a run of a
	// schedule may be on, before the page calls it slow. 0: 30 s. Negative: never.
	SlowAfter time.Duration

	// Interval is how often an open page is renewed and the history sampled. 0:
	// 1 s. At least 100 ms.
	Interval time.Duration

	// History is how far back the charts go. 0: 5 min. At most an hour's worth of
	// samples, 3600, is kept.
	History time.Duration

	// LastStop is the JSON of the hosted.Report of the run before this one, if
	// the program keeps it: the page then shows what the last stop left over. nil:
	// nothing is shown.
	LastStop []byte

	// Logger gets an Info for every action and a Warn for every refused one, with
	// who asked. nil: nothing is logged.
	Logger *slog.Logger
}

// Dashboard is the page over one host, an [http.Handler]. Make it with [New];
// all methods may be called from any goroutine, before the host starts and after
// it has stopped.
//
// It is a hosted service too: added to the host it keeps the history of the
// charts while nobody looks, which costs one goroutine and a sample of every
// queue per Config.Interval. Not added, it has no goroutine, and the charts begin
// when the first page is opened.
type Dashboard struct {
	host     *hosted.Host
	cfg      Config
	log      *slog.Logger
	lastStop *Stop
	history  history
	servers  servers
	assets   map[string]asset
	pages    *template.Template
	origin   *http.CrossOriginProtection

	mu   sync.Mutex
	stop context.CancelFunc // of the service
	done chan struct{}
}

// New returns the dashboard of a host. It starts nothing. It panics if host is
// nil.
func New(host *hosted.Host, cfg Config) *Dashboard {
	if host == nil {
		panic("stead/dashboard: New: the host is nil")
	}
	cfg.setDefaults(host)
	d := &Dashboard{
		host: host, cfg: cfg, log: cfg.Logger,
		history: history{interval: cfg.Interval, keep: int(cfg.History / cfg.Interval)},
		assets:  loadAssets(), pages: parsePages(), origin: http.NewCrossOriginProtection(),
	}
	last, err := parseLastStop(cfg.LastStop)
	if err != nil {
		d.log.Warn("no last stop to show", "error", err)
	}
	d.lastStop = last
	return d
}

const maxSamples = 3600

func (c *Config) setDefaults(host *hosted.Host) {
	if c.Title == "" {
		c.Title = host.Name()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Actor == nil {
		c.Actor = actor
	}
	if c.SlowAfter == 0 {
		c.SlowAfter = 30 * time.Second
	}
	if c.SlowAfter < 0 {
		c.SlowAfter = 1<<63 - 1
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	c.Interval = max(c.Interval, 100*time.Millisecond)
	if c.History <= 0 {
		c.History = 5 * time.Minute
	}
	c.History = min(max(c.History, 10*c.Interval), maxSamples*c.Interval)
}

func actor(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	return r.RemoteAddr
}

// State is what the pages show, as of now, for those who make a page of their
// own.
func (d *Dashboard) State() State { return d.look().state }

// look takes the state and keeps a sample of it if one is due.
func (d *Dashboard) look() *inventory {
	inv := d.take(time.Now())
	d.history.record(&inv.state)
	return inv
}

// Start begins to keep the history. It fails if it runs already.
func (d *Dashboard) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stead/dashboard: start: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return errors.New("stead/dashboard: start: it runs already")
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop, d.done = stop, make(chan struct{})
	go d.sample(run, d.done)
	return nil
}

// Stop ends what Start began; the page goes on to work. It may be called before
// Start and more than once.
func (d *Dashboard) Stop(ctx context.Context) error {
	d.mu.Lock()
	stop, done := d.stop, d.done
	d.stop = nil
	d.mu.Unlock()
	if stop != nil {
		stop()
	}
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stead/dashboard: stop: a component does not answer: %w", ctx.Err())
	}
}

func (d *Dashboard) sample(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(d.cfg.Interval)
	defer ticker.Stop()
	for {
		d.history.record(&d.collect(time.Now(), true).state)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
