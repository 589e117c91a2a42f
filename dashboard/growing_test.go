package dashboard_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
)

// wavy is a queue whose every number moves with the time.
type wavy struct {
	name  string
	began time.Time
}

func (q *wavy) Name() string { return q.name }

func (q *wavy) Stats() channelq.Stats {
	n := int(time.Since(q.began).Seconds())
	return channelq.Stats{
		Name: q.name, Capacity: 1000, Depth: n * n % 997, Accepted: uint64(n * n * 7), Handled: uint64(n * n * 5),
		GaveUp: uint64(n * n), OldestDue: time.Now().Add(-time.Duration(n*n%313) * time.Second),
	}
}

func TestPagesStaySmallWithTheirHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		many := &timetable{Service: idle()}
		for i := range 150 {
			many.queues = append(many.queues, &wavy{fmt.Sprintf("queue-%03d", i), time.Now()})
		}
		s.host.Add("crowd", many)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for range 310 {
			time.Sleep(time.Second)
			d.State()
		}
		for _, page := range []string{"", "services", "queues", "queue?name=queue-007"} {
			w := get(t, d, "/"+page)
			if n := w.Body.Len(); n > 300_000 {
				t.Errorf("%q has %d kB", page, n/1000)
			}
			t.Logf("%q has %d kB", page, w.Body.Len()/1000)
		}
	})
}

func TestAThinnedHistoryLosesNoPeakAndNoGap(t *testing.T) {
	began := time.Unix(1_000_000, 0)
	var points []dashboard.Point
	for i := range 300 {
		if i > 100 && i < 125 { // nothing is known
			continue
		}
		p := dashboard.Point{Time: began.Add(time.Duration(i) * time.Second), Rates: &dashboard.Rates{Out: 1}}
		if i == 203 {
			p.Depth, p.OldestSeconds, p.Rates.Out = 99, 7, 1000
		}
		if p.Rates.Failed = 3; i%2 == 0 { // what failed or was lost is one curve
			p.Rates.Failed, p.Rates.Lost = 0, 4
		}
		points = append(points, p)
	}
	few, gap := dashboard.Thinned(points, time.Second, 300*time.Second, 50)
	if len(few) < 25 || len(few) > 51 || gap != 11*time.Second {
		t.Fatalf("%d points with gaps of %v, want up to 51 of 11 s", len(few), gap)
	}
	depth, oldest, out, gaps := 0, 0.0, 0.0, 0
	for i, p := range few {
		if n := p.Rates.Failed + p.Rates.Lost; n != 4 {
			t.Fatalf("%v failed or lost at once, want 4", n)
		}
		depth, oldest, out = max(depth, p.Depth), max(oldest, p.OldestSeconds), max(out, p.Rates.Out)
		if i > 0 && p.Time.Sub(few[i-1].Time) > gap {
			gaps++
		}
	}
	if depth != 99 || oldest != 7 || out != 1000 || gaps != 1 {
		t.Errorf("at most %d items, %v s, %v a second, and %d gaps; want 99, 7, 1000, 1", depth, oldest, out, gaps)
	}
	// A second later all but the last points are the same.
	later, _ := dashboard.Thinned(append(slices.Clone(points[1:]), dashboard.Point{Time: began.Add(300 * time.Second)}), time.Second, 300*time.Second, 50)
	if !reflect.DeepEqual(few[1:len(few)-1], later[1:len(few)-1]) {
		t.Error("the picture moves with each sample")
	}
	if all, gap := dashboard.Thinned(points, time.Second, 300*time.Second, 300); len(all) != len(points) || gap != 3*time.Second {
		t.Errorf("%d points with gaps of %v, want all %d", len(all), gap, len(points))
	}
}

func TestAnEndlessErrorIsCutAndAHostileOneIsWrittenOut(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		endless := errors.New("no paper \x1b[31m\u202e\u2069\u061c\u200e\u200f" + strings.Repeat("é", 200_000))
		failed := make([]channelq.AttemptFailure, 25)
		for i := range failed {
			failed[i] = channelq.AttemptFailure{Attempt: i + 1, Err: endless}
		}
		q := &broken{books: books{channelq.Stats{Name: "mail"}}}
		q.failures = []channelq.Failure{{ID: 7, Err: endless, Attempts: 25, Failed: failed, Description: strings.Repeat("x", 300_000)}}
		s.host.Add("all", &timetable{Service: idle(), queues: []interface{ Name() string }{q}})
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, page := range []string{"", "failures", "queue?name=mail", "item?name=failure/7/all/mail"} {
			w := get(t, d, "/"+page)
			wantText(t, w, `no paper \u001b[31m\u202e\u2069`+"\u061c\u200e\u200fé") // the last three turn nothing around
			if n := w.Body.Len(); n > 300_000 || !utf8.Valid(w.Body.Bytes()) || strings.ContainsAny(w.Body.String(), "\x1b\u202e\u2069") {
				t.Errorf("%q has %d kB, or what is not text", page, n/1000)
			}
		}
		wantText(t, get(t, d, "/item?name=failure/7/all/mail"), "more bytes")
	})
}

func TestTheStackOfAPanicKeepsTheProgramsOwnFrames(t *testing.T) {
	deep := "goroutine 7 [running]:\npanic(...)\n" + strings.Repeat("encoding/json.(*encodeState).reflectValue(...)\n", 500) + "main.handle(...)\n\tmain.go:7\n"
	got := dashboard.Stack(deep)
	if len(got) > 6000 || !strings.HasPrefix(got, "goroutine 7 [running]:\npanic(...)\n") || !strings.HasSuffix(got, "main.handle(...)\n\tmain.go:7\n") || !strings.Contains(got, " bytes …\nencoding/json") {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	for _, odd := range []string{strings.Repeat("x", 6000), strings.Repeat("\n", 6000), "short"} {
		if got := dashboard.Stack(odd); len(got) > 6000 {
			t.Errorf("%d bytes of %d", len(got), len(odd))
		}
	}
}
