package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/lifecycle"
)

// Host is what a [Notifier] reads. A *hosted.Host implements it.
type Host interface {
	Lifetime() *lifecycle.Lifetime
	Live() bool      // whether the process is worth keeping
	Summary() string // its state in a few words, for STATUS
}

// Notifier is a hosted service that keeps systemd informed. [New] creates it. The host
// that it was added to calls its methods.
type Notifier struct {
	host   Host
	log    safelog.Log
	socket string      // of systemd, kept: a program may unset the variable for its children
	wrong  error       // with the arguments of New, for Start
	extra  chan string // messages of a reload
	end    context.CancelFunc
	done   chan struct{}
}

// Option sets a rare property of a [Notifier]. If an Option is nil, Start returns an
// error.
type Option func(*Notifier)

// Logger sets the logger for messages that systemd could not be sent. Without it, the
// logger of the host is used, or none.
func Logger(l *slog.Logger) Option { return func(n *Notifier) { n.log = safelog.NewLog(l) } }

// New creates a notifier for host. If host is nil, Start returns an error.
func New(host Host, opts ...Option) *Notifier {
	n := &Notifier{host: host, log: safelog.NewLog(nil), extra: make(chan string)}
	for _, opt := range opts {
		if opt == nil {
			n.wrong = errors.New("stead/systemd: new: an Option is nil")
			continue
		}
		opt(n)
	}
	if nils.Is(host) {
		n.wrong = errors.New("stead/systemd: new: the host is nil")
	}
	return n
}

const (
	// extendEvery is how often a stop under way asks for more time, and
	// extension how much: a few missed messages do no harm, and a program that
	// hangs without its host is not kept alive for long.
	extendEvery = time.Second
	extension   = 10 * time.Second
)

// InheritLogger sets the logger of a notifier without [Logger]. The host calls it before
// the start; see package hosted, Logging.
func (n *Notifier) InheritLogger(l *slog.Logger) { n.log.Inherit(l) }

// Start begins to notify. It returns an error if WATCHDOG_USEC makes no sense.
func (n *Notifier) Start(ctx context.Context) error {
	if n.wrong != nil {
		return n.wrong
	}
	if n.socket = os.Getenv("NOTIFY_SOCKET"); n.socket == "" {
		return nil
	}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("stead/systemd: watchdog: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.end, n.done = cancel, make(chan struct{})
	go n.run(run, interval)
	return nil
}

// Stop ends the notifying. The host calls it last.
func (n *Notifier) Stop(ctx context.Context) error {
	if n.done == nil {
		return nil
	}
	n.end()
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reloading tells systemd that a reload has begun.
func (n *Notifier) Reloading(ctx context.Context) error {
	return n.say(ctx, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}

// Reloaded tells systemd that a reload has ended.
func (n *Notifier) Reloaded(ctx context.Context) error { return n.say(ctx, daemon.SdNotifyReady) }

// say returns when the message is out, so that the order is that of the calls.
func (n *Notifier) say(ctx context.Context, message string) error {
	if n.done == nil {
		return nil
	}
	select {
	case n.extra <- message:
		return nil
	case <-n.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Notifier) run(ctx context.Context, interval time.Duration) {
	defer close(n.done)
	life := n.host.Lifetime()
	started, stopping := life.Started(), life.Stopping()
	var watchdog, extend <-chan time.Time
	if interval > 0 {
		t := time.NewTicker(max(interval/2, time.Millisecond))
		defer t.Stop()
		watchdog = t.C
	}
	for {
		select {
		case <-started:
			started = nil
			if closed(life.Stopping()) {
				continue // both came at once, and stopping is the news
			}
			n.send(daemon.SdNotifyReady + "\n" + n.status())
		case <-stopping:
			stopping = nil
			n.send(daemon.SdNotifyStopping + "\n" + n.status())
			t := time.NewTicker(extendEvery)
			defer t.Stop()
			extend = t.C
		case <-extend:
			n.send(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d\n%s", extension.Microseconds(), n.status()))
		case <-watchdog:
			if n.host.Live() {
				n.send(daemon.SdNotifyWatchdog)
			}
		case message := <-n.extra:
			n.send(message)
		case <-ctx.Done():
			// A stop may be over before its beginning was noticed here.
			if stopping != nil && closed(stopping) {
				n.send(daemon.SdNotifyStopping + "\n" + n.status())
			}
			return
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (n *Notifier) status() string { return "STATUS=" + n.host.Summary() }

func (n *Notifier) send(message string) {
	if err := notify(n.socket, message); err != nil {
		n.log.Warn("systemd not notified", "error", err)
	}
}

// patience is how long a message waits for room in the socket. If nobody reads it, the
// reload and the stop would wait with it.
const patience = 100 * time.Millisecond

// notify is daemon.SdNotify, which waits without an end.
func notify(socket, message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience)) // it fails only for a closed connection
	_, err = conn.Write([]byte(message))
	return errors.Join(err, conn.Close())
}
