package leader_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// section is the place that only one may be in at a time. Who enters writes so
// before anything else, who leaves after everything else, so two lines "enter"
// without a "leave" between them mean two inside. The lines of many processes in
// one file are in the order in which they were written: each is one write to a
// file that is open for appending.
type section struct {
	mu sync.Mutex
	w  io.Writer
}

func openSection(path string) (*section, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &section{w: f}, err
}

func (s *section) enter(who string, fence int64) { s.write("enter", who, fence) }
func (s *section) leave(who string, fence int64) { s.write("leave", who, fence) }

// up is written by a process that a SIGTERM ends as it should from now on.
func (s *section) up(who string) { s.write("up", who, 0) }

// died is written by whoever killed a process.
func (s *section) died(who string) { s.write("leave", who, -1) }

func (s *section) write(what, who string, fence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.w, "%s %s %d %d\n", what, who, fence, time.Now().UnixNano())
}

// verdict is what went on in a section.
type verdict struct {
	terms     int
	most      int           // inside at once
	overlap   time.Duration // with more than one inside
	disorder  int           // entries whose fence was not above all before
	last      int64         // the highest fence
	enteredBy map[string]int
	firstAt   map[string]time.Time // of the entries of each
	lastAt    map[string]time.Time // of the leaves of each
}

func judge(t *testing.T, lines io.Reader) verdict {
	t.Helper()
	v := verdict{enteredBy: map[string]int{}, firstAt: map[string]time.Time{}, lastAt: map[string]time.Time{}}
	inside := map[string]bool{}
	var before int64
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		var what, who string
		var fence, at int64
		if _, err := fmt.Sscan(scanner.Text(), &what, &who, &fence, &at); err != nil {
			t.Fatalf("line %q: %v", scanner.Text(), err)
		}
		if what == "up" {
			continue
		}
		if len(inside) > 1 {
			v.overlap += time.Duration(at - before)
		}
		before = at
		if what == "leave" {
			delete(inside, who)
			v.lastAt[who] = time.Unix(0, at)
			continue
		}
		if fence <= v.last {
			v.disorder++
		}
		v.last = max(v.last, fence)
		v.terms++
		if v.enteredBy[who]++; v.enteredBy[who] == 1 {
			v.firstAt[who] = time.Unix(0, at)
		}
		inside[who] = true
		v.most = max(v.most, len(inside))
	}
	return v
}

// wantExclusive fails unless there was never more than one inside and every fence
// was above all before it.
func (v verdict) wantExclusive(t *testing.T) {
	t.Helper()
	t.Logf("%d terms, by %v, at most %d inside, overlap %v", v.terms, v.enteredBy, v.most, v.overlap)
	if v.most != 1 || v.overlap != 0 {
		t.Errorf("%d inside at once, for %v", v.most, v.overlap)
	}
	if v.disorder != 0 {
		t.Errorf("%d fences did not rise", v.disorder)
	}
}

func TestTheCheckerSeesTwoInsideAndAFenceThatDoesNotRise(t *testing.T) {
	v := judge(t, strings.NewReader("enter a 1 10\nenter b 2 20\nleave a 1 50\nleave b 2 60\nenter a 2 70\n"))
	if v.most != 2 || v.overlap != 30 || v.disorder != 1 || v.terms != 3 {
		t.Errorf("verdict %+v", v)
	}
	v = judge(t, strings.NewReader("enter a 1 10\nleave a -1 20\nenter b 2 30\n"))
	if v.most != 1 || v.overlap != 0 || v.disorder != 0 {
		t.Errorf("verdict %+v", v)
	}
}
