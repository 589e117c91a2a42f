package safelog

import (
	"context"
	"log/slog"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/stall"
)

const (
	// patience is how long a line may take before its caller goes on without it.
	patience = 100 * time.Millisecond
	// most is how many lines may wait; those beyond it are lost and counted.
	most = 4096
)

// Spool writes lines in order, from a goroutine that is there only while there is
// something to write. A caller waits until the line is written, so that it
// stands before what happens next, but no longer than a moment; while the handler
// is behind nobody waits for it at all. So a handler that never returns, as one
// that writes to a pipe that nobody reads, holds nobody up.
type Spool struct {
	mu      sync.Mutex
	waiting []entry
	writing bool
	behind  bool // a caller has waited in vain, and not all is written since
	written int  // lines so far
	lost    int  // since the last line that says so
	lostBy  slog.Handler
}

// entry is a line, or with a nil handler a caller that waits for those before it.
type entry struct {
	to   slog.Handler
	ctx  context.Context // as the handler gets it
	line slog.Record
	done chan struct{}
}

// Spooled returns a Log as NewLog does, for lines that must not hold their caller up.
func (s *Spool) Spooled(own *slog.Logger, attrs ...slog.Attr) Log {
	l := Log{from: new(atomic.Pointer[slog.Logger])}
	var inner slog.Handler = inheriting{from: l.from}
	if own != nil {
		l.from.Store(own)
		inner = handler{own.Handler()}
	}
	if len(attrs) > 0 {
		inner = inner.WithAttrs(attrs)
	}
	l.Logger = slog.New(spooled{inner, s, l.from})
	return l
}

type spooled struct {
	inner slog.Handler
	spool *Spool
	from  *atomic.Pointer[slog.Logger]
}

// Enabled leaves the question to the goroutine that writes, as asking it can block
// too.
func (h spooled) Enabled(context.Context, slog.Level) bool {
	from := h.from.Load()
	return from != nil && from.Handler() != slog.DiscardHandler
}

func (h spooled) Handle(ctx context.Context, r slog.Record) error {
	e := entry{h.inner, context.WithoutCancel(ctx), r.Clone(), make(chan struct{})}
	if h.spool.add(e) && !in(e.done, patience) {
		h.spool.fellBehind(e)
	}
	return nil
}

func (h spooled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return spooled{h.inner.WithAttrs(attrs), h.spool, h.from}
}

func (h spooled) WithGroup(name string) slog.Handler {
	return spooled{h.inner.WithGroup(name), h.spool, h.from}
}

func in(done <-chan struct{}, d time.Duration) bool {
	_, ok := stall.Receive(done, d)
	return ok
}

// add reports whether it is worth waiting for the line.
func (s *Spool) add(e entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.to != nil && len(s.waiting) >= most {
		s.lost++
		s.lostBy = e.to
		return false
	}
	s.waiting = append(s.waiting, e)
	if !s.writing {
		s.writing = true
		go s.write()
	}
	return !s.behind
}

func (s *Spool) fellBehind(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-e.done: // just now
	default:
		s.behind = true
	}
}

// write is the goroutine. One that a handler ends with runtime.Goexit is followed
// by another.
func (s *Spool) write() {
	pprof.SetGoroutineLabels(context.Background()) // those of the goroutine that logged
	over := false
	defer func() {
		if !over {
			go s.write()
		}
	}()
	for {
		e, ok := s.next()
		if !ok {
			over = true
			return
		}
		s.writeOne(e)
	}
}

func (s *Spool) writeOne(e entry) {
	defer s.wrote(e)
	if e.to == nil {
		return
	}
	h := handler{e.to}
	if h.Enabled(e.ctx, e.line.Level) {
		_ = h.Handle(e.ctx, e.line)
	}
}

func (s *Spool) wrote(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written++
	if len(s.waiting) == 0 {
		s.behind = false // before anybody who waited goes on to log
	}
	close(e.done)
}

// next takes the oldest line; none is left when it reports false, and then the
// goroutine is no longer counted on.
func (s *Spool) next() (e entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 && s.lost > 0 {
		line := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines lost", 0)
		line.AddAttrs(slog.Int("lines", s.lost))
		e = entry{s.lostBy, context.Background(), line, make(chan struct{})}
		s.lost, s.lostBy = 0, nil
		return e, true
	}
	if len(s.waiting) == 0 {
		s.waiting, s.writing = nil, false
		return e, false
	}
	e = s.waiting[0]
	s.waiting[0] = entry{}
	s.waiting = s.waiting[1:]
	return e, true
}

// Flush waits until what was logged before is written, and reports whether it is.
// It gives up at end, if that is not zero, and when no line was written for a
// second; it always waits a moment.
func (s *Spool) Flush(end time.Time, moment time.Duration) bool {
	s.mu.Lock()
	if !s.writing {
		s.mu.Unlock()
		return true
	}
	before := s.written
	s.mu.Unlock()
	e := entry{done: make(chan struct{})}
	s.add(e)
	for {
		wait := time.Second
		if !end.IsZero() {
			wait = max(moment, min(wait, time.Until(end)))
		}
		if in(e.done, wait) {
			return true
		}
		s.mu.Lock()
		now := s.written
		s.mu.Unlock()
		if now == before || !end.IsZero() && !time.Now().Before(end) {
			return false
		}
		before = now
	}
}

// Wants asks whether lines of this level are written at all. It is true if the
// handler does not say so in a moment.
func (l Log) Wants(level slog.Level) bool {
	h, ok := l.Handler().(spooled)
	if !ok {
		return l.Logger.Enabled(context.Background(), level)
	}
	if !h.Enabled(context.Background(), level) {
		return false
	}
	wants := make(chan bool, 1)
	ask := entry{asking{wants, h.inner}, context.Background(), slog.NewRecord(time.Time{}, level, "", 0), make(chan struct{})}
	if h.spool.add(ask) && in(ask.done, patience) {
		return <-wants
	}
	return true
}

// asking is a handler that answers whether inner is enabled and writes nothing.
type asking struct {
	wants chan<- bool
	slog.Handler
}

func (a asking) Enabled(ctx context.Context, level slog.Level) bool {
	a.wants <- handler{a.Handler}.Enabled(ctx, level)
	return false
}
