package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// remote is a sink without a network, which lets a test have its own time.
type remote func(events []string) (status int, body string)

func (f remote) RoundTrip(r *http.Request) (*http.Response, error) {
	var events []event
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		return nil, err
	}
	var texts []string
	for _, e := range events {
		texts = append(texts, string(e))
	}
	status, body := f(texts)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// run starts a batcher that sends to sink.
func run(t *testing.T, sink remote) (*channelq.Queue[event], *channelq.Batcher[event], string) {
	t.Helper()
	q, err := channelq.New(channelq.Config[event]{Name: "events", Capacity: 10, OnFull: channelq.Reject})
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(func() string { return "http://sink" }, slog.New(slog.DiscardHandler))
	s.client.Transport = sink
	unsent := filepath.Join(t.TempDir(), "unsent")
	b, err := newBatcher(q, s, unsent)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop(context.Background()) })
	return q, b, unsent
}

func enqueue(t *testing.T, q *channelq.Queue[event], events ...string) {
	t.Helper()
	for _, e := range events {
		if err := q.TryEnqueue(event(e)); err != nil {
			t.Fatal(err)
		}
	}
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestASinkThatIsDownIsLeftInPeaceAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		got := map[string]int{}
		var up atomic.Bool
		q, b, _ := run(t, func(events []string) (int, string) {
			works := up.Load() // first: it orders this call behind what the test read before
			asked = append(asked, time.Now())
			if !works {
				return http.StatusServiceUnavailable, ""
			}
			for _, e := range events {
				got[e]++
			}
			return http.StatusOK, ""
		})
		enqueue(t, q, `{"a":1}`, `{"a":2}`, `{"a":3}`)
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := tripAfter; i < len(asked); i++ {
			if pause := asked[i].Sub(asked[i-1]); pause < openFor {
				t.Errorf("asked again after %v", pause)
			}
		}
		if len(asked) <= tripAfter+1 {
			t.Errorf("asked %d times: it was given up", len(asked))
		}
		up.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if fmt.Sprint(got) != `map[{"a":1}:1 {"a":2}:1 {"a":3}:1]` {
			t.Errorf("got %v", got)
		}
		if err := b.Stop(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyTheEventsThatWereRefusedAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]string
		q, b, unsent := run(t, func(events []string) (int, string) {
			batches = append(batches, events)
			if len(batches) > 1 {
				return http.StatusMultiStatus, `{"failed": []}`
			}
			return http.StatusMultiStatus, `{"failed": [{"index": 1, "status": 503}, {"index": 2, "status": 400}]}`
		})
		enqueue(t, q, `{"a":1}`, `{"a":2}`, `{"a":3}`, `{"a":4}`)
		if err := b.Stop(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(batches); got != `[[{"a":1} {"a":2} {"a":3} {"a":4}] [{"a":2}]]` {
			t.Errorf("got %s", got)
		}
		if got := lines(t, unsent+".refused"); !slices.Equal(got, []string{`{"a":3}`}) {
			t.Errorf("refused %q", got)
		}
		if s := b.Stats(); s.Handled != 3 || s.GaveUp != 1 || s.Retried != 1 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestAStopWhileTheBreakerIsOpenWritesAllToTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, b, unsent := run(t, func([]string) (int, string) { return http.StatusBadGateway, "" })
		accepted := 0
		for i := range 25 { // until there is no more room, in the queue and beyond
			if q.TryEnqueue(event(fmt.Sprintf(`{"a":%d}`, i))) == nil {
				accepted++
			}
			time.Sleep(500 * time.Millisecond)
		}
		if err := b.Stop(within(t, 10*time.Second)); err != nil {
			t.Error(err)
		}
		got := lines(t, unsent)
		slices.Sort(got)
		if len(got) != accepted || len(slices.Compact(got)) != accepted || b.Leftover() != accepted {
			t.Errorf("%d accepted, in the file %q", accepted, got)
		}
	})
}

func TestABatchThatTheSinkDoesNotWantDoesNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, b, unsent := run(t, func(events []string) (int, string) {
			if slices.Contains(events, `{"bad":1}`) {
				return http.StatusUnprocessableEntity, ""
			}
			return http.StatusNoContent, ""
		})
		for range 2 * tripAfter {
			enqueue(t, q, `{"bad":1}`)
			time.Sleep(2 * time.Second)
		}
		enqueue(t, q, `{"good":1}`)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := b.Stats(); s.GaveUp != 2*tripAfter || s.Handled != 1 {
			t.Errorf("got %+v", s)
		}
		if got := lines(t, unsent+".refused"); len(got) != 2*tripAfter {
			t.Errorf("refused %q", got)
		}
	})
}

func TestTheEndpointSaysHowManyEventsItTook(t *testing.T) {
	q, err := channelq.New(channelq.Config[event]{Name: "events", Capacity: 3, OnFull: channelq.Reject})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{"a": 1}`, http.StatusAccepted, `{"accepted":1}`},
		{``, http.StatusBadRequest, `{"accepted":0,"error":"no event"}`},
		{`{"a": 1} 7`, http.StatusBadRequest, `{"accepted":0,"error":"event 2 is not a JSON object"}`},
		{`{"a": 1} {`, http.StatusBadRequest, `{"accepted":0,"error":"event 2: unexpected EOF"}`},
		{"{\"a\":\n2}\n{\"a\": 3}\n{\"a\": 4}", http.StatusServiceUnavailable, `{"accepted":2,"error":"too many events, please come back"}`},
	} {
		w := httptest.NewRecorder()
		(&endpoint{q}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(c.body)))
		if w.Code != c.code || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
	}
	q.Close()
	var got []string
	for e := range q.All(t.Context()) {
		got = append(got, string(e))
	}
	if !slices.Equal(got, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}) {
		t.Errorf("got %q", got)
	}
}
