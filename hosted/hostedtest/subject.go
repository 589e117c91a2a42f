package hostedtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/stacks"
)

// kit is how Conform goes about it.
type kit struct {
	make      func() hosted.Service
	allowance time.Duration // for a call that has nothing to wait for
	grace     time.Duration // to return after the context is done
	watch     time.Duration // how long goroutines are watched for ending
}

// subject is one instance of the service that is looked at. Its goroutines carry
// a label of its own.
type subject struct {
	service hosted.Service
	kit     *kit
	label   string
}

const labelKey = "hostedtest"

func (k *kit) subject(t testing.TB) *subject {
	t.Helper()
	s := &subject{service: k.make(), kit: k, label: strconv.FormatUint(rand.Uint64(), 36)}
	if s.service == nil {
		t.Fatal("hostedtest: the function returned no service")
	}
	return s
}

// outcome of a call. One that did not come back is abandoned.
type outcome struct {
	back bool
	err  error
	took time.Duration
}

// blew is the stack of a panic or a Goexit, "" for other outcomes.
func (o outcome) blew() string {
	var caught *hosted.PanicError
	if errors.As(o.err, &caught) {
		return fmt.Sprintf("%v\n%s", caught, caught.Stack)
	}
	return ""
}

// begin makes a call on a goroutine that carries the label. The goroutine ends
// when hold is closed, so that it counts the same all the time; nil means at once.
func (s *subject) begin(ctx context.Context, fn func(context.Context) error, hold <-chan struct{}) <-chan outcome {
	result := make(chan outcome, 1)
	began := time.Now()
	ctx = pprof.WithLabels(ctx, pprof.Labels(labelKey, s.label))
	go func() {
		pprof.SetGoroutineLabels(ctx)
		guard.Run(func() error { return fn(ctx) }, func(err error) {
			result <- outcome{true, err, time.Since(began)}
			if hold != nil {
				<-hold
			}
		})
	}()
	return result
}

// await waits for a call that has so much time.
func await(result <-chan outcome, patience time.Duration) outcome {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case o := <-result:
		return o
	case <-timer.C:
		return outcome{took: patience}
	}
}

// start calls Start with the usual allowance.
func (s *subject) start() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), s.kit.allowance)
	defer cancel()
	return await(s.begin(ctx, s.service.Start, nil), s.kit.allowance+s.kit.grace)
}

// up is start for a check that is about something else.
func (s *subject) up(t testing.TB) {
	t.Helper()
	if o := s.start(); !o.back || o.err != nil {
		t.Fatalf("hostedtest: Start %s", o)
	}
}

// stop calls Stop with the usual allowance.
func (s *subject) stop() outcome { return s.stopWithin(s.kit.allowance) }

func (s *subject) stopWithin(d time.Duration) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return await(s.begin(ctx, s.service.Stop, nil), d+s.kit.grace)
}

// down is stop for a check that is about something else.
func (s *subject) down(t testing.TB) {
	t.Helper()
	if o := s.stop(); !o.back || o.err != nil {
		t.Fatalf("hostedtest: Stop %s", o)
	}
}

// String returns how a call went wrong, as the rest of a sentence.
func (o outcome) String() string {
	switch {
	case !o.back:
		return fmt.Sprintf("did not return within %v", o.took)
	case o.blew() != "":
		return "ended with " + o.blew()
	case o.err != nil:
		return "returned an error: " + o.err.Error()
	default:
		return "returned"
	}
}

// goroutines counts those of this instance.
func (s *subject) goroutines() (n int) {
	for g := range stacks.With(labelKey, s.label) {
		n += g.Count
	}
	return n
}

// left waits for the goroutines to end and returns the stacks of the ones that do
// not.
func (s *subject) left() string {
	if until(settle, func() bool { return s.goroutines() == 0 }) {
		return ""
	}
	var b strings.Builder
	for g := range stacks.With(labelKey, s.label) {
		b.WriteString(g.String())
	}
	return b.String()
}

// ended says whether the service says that it has ended by itself.
func (s *subject) ended() bool {
	e, ok := hosted.As[interface{ Done() <-chan struct{} }](s.service)
	if !ok {
		return false
	}
	select {
	case <-e.Done():
		return true
	default:
		return false
	}
}
