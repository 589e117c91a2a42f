package dashboard

import (
	"math"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/displayname"
	"github.com/steadgo/stead/internal/guard"
)

// sample is what a chart is drawn of. Counters are kept as they are, without their upper
// half: rates come from the difference of any two samples.
type sample struct {
	depth, inProgress     int32
	oldest                uint32 // ms
	in, out, failed, lost uint32
	ended                 uint32 // moves with attempts that end, whatever comes of them
}

// sampled is the sample of one queue, by the name that it is shown under.
type sampled struct {
	name string
	sample
}

func sampleOf(s *channelq.Stats, now time.Time) sample {
	return sample{
		depth: clamped(s.Depth), inProgress: clamped(s.InProgress), oldest: age(s.OldestDue, now),
		in: uint32(s.Accepted), out: uint32(s.Handled + s.TakenByHand), failed: uint32(s.GaveUp),
		ended: uint32(s.Handled + s.GaveUp + s.Skipped + s.Retried + s.Handle.Count),
		lost:  uint32(s.Dropped.Total() + s.Refused.Full + s.Refused.Write),
	}
}

func clamped(n int) int32 { return int32(min(max(n, 0), math.MaxInt32)) }

// age is how old the oldest item is, in ms.
func age(due, now time.Time) uint32 {
	if due.IsZero() {
		return 0
	}
	return uint32(min(max(0, now.Sub(due).Milliseconds()), math.MaxUint32))
}

// sample is that of a queue which was asked for everything.
func (q *Queue) sample(now time.Time) sample {
	s := q.counts
	s.oldest = age(q.OldestDue, now) // of all its consumers
	if q.States == nil {             // of all processes it would say nothing of this one; there every attempt is in Handle
		s.ended += uint32(len(q.Retrying))
	}
	return s
}

// rates between two samples, nil if they are too close to tell.
func rates(from, to sample, apart time.Duration) *Rates {
	seconds := apart.Seconds()
	if seconds < 0.05 {
		return nil
	}
	per := func(a, b uint32) float64 {
		if b-a > math.MaxInt32 { // another queue of that name
			return 0
		}
		return float64(b-a) / seconds
	}
	return &Rates{In: per(from.in, to.in), Out: per(from.out, to.out), Failed: per(from.failed, to.failed), Lost: per(from.lost, to.lost)}
}

// sampler takes the samples, for years and without anybody looking. It asks queues for
// their counts and nobody for anything else, and works with the same memory each time.
type sampler struct {
	names   *displayname.Names
	sources []source
	queues  []sampled
}

// nested is a host and the path to it.
type nested struct {
	path string
	host hostSource
}

// take asks every queue. It holds no lock, as what it calls is not ours.
func (s *sampler) take(host hostSource, now time.Time) []sampled {
	s.names.Reset()
	s.queues = s.queues[:0]
	// Outer hosts come first, as for an inventory: names depend on it.
	hosts := []nested{{"", host}}
	for depth := 0; len(hosts) > 0 && depth <= maxNesting; depth++ {
		var inner []nested
		for _, h := range hosts {
			var all []hosted.ServiceStatus
			_ = guard.Call(func() error { all = h.host.Services(); return nil })
			for i := range all {
				inner = append(inner, s.ask(h.path, &all[i], now)...)
			}
		}
		hosts = inner
	}
	return s.queues
}

// ask asks the queues of one service, and returns the host that it is. What panics has
// no sample.
func (s *sampler) ask(path string, status *hosted.ServiceStatus, now time.Time) (inner []nested) {
	_ = guard.Call(func() error {
		if h, ok := hosted.As[hostSource](status.Service); ok {
			inner = []nested{{path + status.Name + "/", h}}
		}
		s.sources = queuesOf(s.sources[:0], path, status)
		return nil
	})
	for i := range s.sources {
		_ = guard.Call(func() error {
			if q, ok := find[queueSource](s.sources[i]); ok {
				stats := q.Stats()
				name := s.names.Of(q, s.sources[i].path+stats.Name)
				s.queues = append(s.queues, sampled{name, sampleOf(&stats, now)})
			}
			return nil
		})
	}
	clear(s.sources) // they may be gone before the next sample
	return inner
}
