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
	"github.com/steadgo/stead/internal/displayname"
	"github.com/steadgo/stead/internal/safelog"
)

// Config is the configuration of a [Dashboard]. The zero value shows everything but
// payloads and changes nothing.
type Config struct {
	// Title stands at the top of the page. If empty, the name of the host is used.
	Title string

	// Authorize decides whether the request may do the action. An error refuses the
	// action with 403 and is shown to the sender. It is called for every action, after
	// the request was found not to come from another site. If nil, the page is
	// read-only. Authorize does not guard the page itself: wrap the Dashboard in the
	// middleware that guards the rest of your admin pages.
	Authorize func(r *http.Request, a Action) error

	// Actor returns who sent the request, for the log: the name that the
	// authentication in front of the page has found. An action whose Actor panics is
	// refused. If nil, the remote address is logged: whatever else a request says of
	// its sender may be made up.
	Actor func(r *http.Request) string

	// FormatItem returns an item of a queue as text. An empty text hides the item.
	// The name of the queue is that on the page: with the path of the hosts it is in.
	// A durable job that does not decode is passed as its JSON, a string. Leave out
	// what some readers of the page may not know. FormatItem is called for every item
	// of every page, so it should be quick. The page of a job whose item is shown shows its
	// key and its Meta too. If nil, an item is shown as the Describe of
	// its workers names it, and without one it is hidden.
	FormatItem func(queue string, item any) string

	// Hosts are the values of the Host header, without port, that are answered.
	// Others get 421. The list keeps a page on a loopback or private address from
	// being read through DNS rebinding. If nil, any host is answered.
	Hosts []string

	// SlowAfter is how long the oldest item of a queue may wait, and a run of a
	// schedule may take, before the page calls it slow. If zero, 30 s is used. If
	// negative, nothing is called slow.
	SlowAfter time.Duration

	// Interval is how often an open page is renewed and the history sampled. If
	// zero, 1 s is used. The least is 100 ms.
	Interval time.Duration

	// History is how far back the charts go. If zero, 5 min is used. At most 3600
	// samples are kept.
	History time.Duration

	// LastStop is the JSON of the hosted.Report of the process before this one, if
	// the program stores it. The page then shows how that stop went. If nil, nothing
	// is shown.
	LastStop []byte

	// Logger gets an Info for every action and a Warn for every refused one, with
	// who asked. If nil, the logger of the host is used. If the host has none either,
	// nothing is logged, and the page says so.
	Logger *slog.Logger
}

// Dashboard is the page over one host, an [http.Handler]. [New] creates it. It is safe
// for concurrent use, before the host starts and after it has stopped.
//
// A Dashboard is a hosted service too. Added to the host it keeps the history of the
// charts while nobody looks, which costs one goroutine and a sample of every queue per
// Config.Interval. Not added, it has no goroutine, and the charts begin when the first
// page is opened.
type Dashboard struct {
	host     *hosted.Host
	cfg      Config
	log      safelog.Log
	lastStop *Stop
	history  history
	servers  servers
	acks     acks
	memory   sync.Pool // of *memory, for inventories
	discards discards
	plans    plans
	matching matching
	assets   map[string]asset
	pages    *template.Template
	origin   *http.CrossOriginProtection
	told     sync.Once // that streams cannot be flushed
	misuse   error     // of New, which has no error to return

	mu   sync.Mutex
	stop context.CancelFunc // of the service
	done chan struct{}
}

// New returns the dashboard of a host. It starts nothing. If host is nil, Start returns
// an error, and so does every request.
func New(host *hosted.Host, cfg Config) *Dashboard {
	var misuse error
	if host == nil {
		misuse = errors.New("stead/dashboard: new: the host is nil")
		host = hosted.New(hosted.Config{}) // so that nothing else has to ask
	}
	cfg.setDefaults(host)
	d := &Dashboard{
		misuse: misuse,
		host:   host, cfg: cfg, log: safelog.NewLog(cfg.Logger),
		history: history{interval: cfg.Interval, keep: int(cfg.History / cfg.Interval), many: manyQueues},
		assets:  loadAssets(), pages: parsePages(), origin: http.NewCrossOriginProtection(),
	}
	last, err := parseLastStop(cfg.LastStop)
	if err != nil {
		d.logger().Warn("no last stop to show", "error", err)
	}
	d.lastStop = last
	return d
}

const maxSamples = 3600

func (c *Config) setDefaults(host *hosted.Host) {
	if c.Title == "" {
		c.Title = host.Name()
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

// logger is that of the host if the dashboard has none. A dashboard need not be a
// service of the host, so it asks.
func (d *Dashboard) logger() *slog.Logger {
	d.log.Inherit(d.host.Logger())
	return d.log.Logger
}

// logs reports whether actions are logged.
func (d *Dashboard) logs() bool { return d.logger().Enabled(context.Background(), slog.LevelInfo) }

// State returns what the pages show, as of now. It is for pages of your own.
func (d *Dashboard) State() State {
	if d.misuse != nil {
		return State{Version: 1, Time: time.Now(), Verdict: Failed, Headline: d.misuse.Error()}
	}
	s := d.look().state
	s.complete()
	return s
}

// look takes the state and keeps a sample of it if one is due.
func (d *Dashboard) look() *inventory {
	inv := d.take(time.Now())
	if s := &inv.state; d.history.due(s.Time) {
		all := make([]sampled, len(s.Queues))
		for i := range s.Queues {
			all[i] = sampled{s.Queues[i].Name, s.Queues[i].sample(s.Time)}
		}
		d.history.record(s.Time, all)
	}
	return inv
}

// Start starts the sampling of the history. It returns an error if the sampling is
// running already, or if ctx is done.
func (d *Dashboard) Start(ctx context.Context) error {
	if d.misuse != nil {
		return d.misuse
	}
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

// Stop stops the sampling, and makes the discards of the last minute permanent. An action
// on many stored jobs ends between two pieces. The page continues to work. Stop blocks until
// all that has ended or ctx is done. It may be called before Start and more than once.
func (d *Dashboard) Stop(ctx context.Context) error {
	d.discards.flush()
	idle := d.matching.end()
	d.mu.Lock()
	stop, done := d.stop, d.done
	d.stop = nil
	d.mu.Unlock()
	if stop != nil {
		stop()
	}
	for _, over := range []<-chan struct{}{done, idle} {
		if over == nil {
			continue
		}
		select {
		case <-over:
		case <-ctx.Done():
			return fmt.Errorf("stead/dashboard: stop: a component does not answer: %w", ctx.Err())
		}
	}
	return nil
}

func (d *Dashboard) sample(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(d.cfg.Interval)
	defer ticker.Stop()
	s := sampler{names: displayname.New()}
	for {
		if now := time.Now(); d.history.due(now) {
			d.history.record(now, s.take(d.host, now))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
