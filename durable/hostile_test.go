package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
)

// hostileTexts are texts that a store, or one of the layers above it, may choke on.
var hostileTexts = map[string]string{
	"NUL": "a\x00b", "only NUL": "\x00", "invalid UTF-8": "a\xff\xfeb", "half of a character": "a\xed\xa0\x80",
	"cut character": "a\xe2\x82", "long": strings.Repeat("x", 3000), "quotes": `"'$$; DROP TABLE river_job; --\`,
	"replacement": "\ufffd", "controls": "\x01\x1b[31m\r\n\u2028", "other planes": "\U0001F600\U0010FFFF", "an escape": `\u0000`,
}

// hostileItems are JSON that only one store takes, or none.
var hostileItems = map[string]struct{ raw, where string }{
	"NUL":                  {`{"To":"a\u0000"}`, ".To "},
	"NUL deep":             {`{"lines":[{"n":1},{"text":["x","y\u0000z"]}]}`, ".lines[1].text[1] "},
	"NUL in a key":         {`{"a\u0000":1}`, "NUL"},
	"NUL alone":            {`"\u0000"`, "item has a NUL"},
	"NUL after a slash":    {`"\\\u0000"`, "NUL"},
	"low half":             {`"\udc00x"`, "half a character"},
	"high half":            {`["\ud83d"]`, "item[0] has half"},
	"two high halves":      {`["\ud83d\ud83d\ude00"]`, "half"},
	"invalid UTF-8":        {"\"a\xff\"", "UTF-8"},
	"a number too large":   {`{"n":1e200000}`, ".n is a number"},
	"a number too small":   {`{"n":-1e-200000}`, "number"},
	"a number of an age":   {`[1e99999999999999999999]`, "number"},
	"a number too long":    {`[` + strings.Repeat("9", 200_000) + `]`, "number"},
	"depth":                {strings.Repeat(`[`, 600) + strings.Repeat(`]`, 600), "nested"},
	"depth of objects":     {strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat(`}`, 600), "nested"},
	"a text out of bounds": {`"` + strings.Repeat("x", 16<<20) + `"`, "bytes of JSON"},
}

// hostile attacks every way in with texts and items.
func hostile[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	raw := newQueue[json.RawMessage](t, jobs, "raw", nil, durable.QueueConfig[json.RawMessage]{})
	texts := newQueue[string](t, jobs, "texts", nil, durable.QueueConfig[string]{})
	refused := func(what string, err error, words ...string) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "stead/durable: ") || len(err.Error()) > 4000 {
			t.Errorf("%s: %.300v", what, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: the error does not say %q: %v", what, w, err)
			}
		}
	}
	for what, item := range hostileItems {
		r := json.RawMessage(item.raw)
		refused(what, raw.Enqueue(t.Context(), r), item.where, `"raw"`)
		n, err := raw.EnqueueAll(t.Context(), []json.RawMessage{[]byte("1"), []byte("2"), r})
		refused(what+" among others", err, "item 2 of 3", item.where)
		tx, errBegin := e.begin(t.Context())
		must(t, errBegin)
		_, err = durable.EnqueueTx(t.Context(), tx, raw, r)
		refused(what+" in a transaction", err, item.where)
		must(t, e.end(t.Context(), tx, false))
		if n != 0 {
			t.Errorf("%s: %d are there", what, n)
		}
	}
	for what, text := range hostileTexts {
		if text == "a\x00b" || text == "\x00" {
			refused(what, texts.Enqueue(t.Context(), text), "NUL")
		} else if err := texts.Enqueue(t.Context(), text); err != nil { // as encoding/json writes it
			t.Errorf("%s: %v", what, err)
		}
		for range 2 { // of a key only a sum is stored
			enqueue(t, texts, "keyed", durable.Unique(text))
		}
		isName := len(text) <= 256 && !strings.Contains(text, "\x00") && strings.ToValidUTF8(text, "") == text
		err := durable.Every(texts, text, hours(1), func() string { return "" })
		if isName != (err == nil) {
			t.Errorf("a schedule named %s: %v", what, err)
		} else if !isName {
			refused("name "+what, err, "name")
		}
		if _, err := durable.NewQueue[string](newJobs(t, e.store, durable.EnqueueOnly), text, nil, durable.QueueConfig[string]{}); err == nil {
			t.Errorf("a queue of kind %s", what)
		}
		who := lifecycle.Instance{ID: "host_" + fmt.Sprint(len(what)), Host: durable.StorableText(text), Role: "works", Since: time.Now()}
		must(t, store.Of(e.store).Announce(t.Context(), who, time.Minute))
	}
	if rows, err := durable.List(t.Context(), texts, 1000); err != nil || len(rows) != 2*len(hostileTexts)-2 {
		t.Errorf("%d jobs, %v", len(rows), err)
	}
	start(t, jobs) // all of the names are written
	badTimes(t, texts, refused)
	_, err := durable.NewQueue[int](newJobs(t, e.store, durable.EnqueueOnly), "often", nil, durable.QueueConfig[int]{Retry: channelq.Retry{Attempts: 40_000}})
	refused("attempts", err, "Retry.Attempts")
}

// badTimes attacks every way in with times.
func badTimes(t *testing.T, q *durable.Queue[string], refused func(string, error, ...string)) {
	t.Helper()
	waits := enqueue(t, q, "x", durable.In(time.Hour))
	day := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	list := func(f channelq.JobFilter) error { _, _, err := q.FindJobs(t.Context(), f, ""); return err }
	history := func(since time.Time) error { _, err := q.History(t.Context(), since); return err }
	for _, at := range []time.Time{
		day(-4713), day(0), day(1).Add(-time.Hour), day(9999).Add(-1), day(9999), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), day(10_000), day(300_000),
		time.Unix(1<<62, 0), time.Unix(-1<<62, 0), time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0),
	} {
		what := fmt.Sprint(at.Year())
		_, err := q.EnqueueWith(t.Context(), "x", durable.At(at))
		refused(what, err, "At", "year")
		refused(what, q.Reschedule(waits, at), "year")
		refused(what, q.RescheduleIf(waits, at, at), "year")
		if year := at.UTC().Year(); year < 1 || year > 9999 {
			refused(what, list(channelq.JobFilter{Since: at}), "year")
			refused(what, list(channelq.JobFilter{Until: at}), "year")
			refused(what, history(at), "year")
		} else {
			must(t, errors.Join(list(channelq.JobFilter{Since: at}), list(channelq.JobFilter{Until: at}), history(at)))
		}
	}
	for _, at := range []time.Time{day(1).Add(time.Hour), day(1969), day(9998), day(9999).Add(-time.Millisecond)} {
		must(t, errors.Join(q.Reschedule(waits, at), history(at)))
		enqueue(t, q, "x", durable.At(at))
	}
	for _, d := range []time.Duration{math.MinInt64, math.MaxInt64} {
		enqueue(t, q, "x", durable.In(d))
	}
}

// atTheLimit is what the checks let pass: the stores have to take it.
func atTheLimit[TTx any](t *testing.T, e env[TTx]) {
	most := 16 << 20
	if raceDetector { // which makes twenty seconds of one
		most = 1 << 20
	}
	items := map[string]string{
		"depth":  strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500),
		"digits": strings.Repeat("9", 1000), "exponent": "1e10000", "small": "-1e-10000", "pair": `"\ud83d\ude00"`, "slash": `"\\u0000"`,
		"large": `"` + strings.Repeat("x", most-2) + `"`, "null": "null", "empty": `""`, "list": "[]",
	}
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan string, len(items))
	q := newQueue(t, jobs, "limit", func(_ context.Context, raw json.RawMessage) error { got <- string(raw); return nil }, durable.QueueConfig[json.RawMessage]{})
	start(t, jobs)
	for _, raw := range items {
		enqueue(t, q, json.RawMessage(raw))
	}
	for range items {
		if raw := receive(t, got); !json.Valid([]byte(raw)) {
			t.Errorf("got %.100s", raw)
		}
	}
}

func TestTheNameOfAProcessIsOneThatEveryStoreTakes(t *testing.T) {
	for what, text := range hostileTexts {
		if id := durable.ClientID(text); id != "" && !strings.HasPrefix(id, "host_") {
			t.Errorf("%s: %q", what, id)
		}
	}
	if id := durable.ClientID("web-1.example.org"); id != "" {
		t.Errorf("a plain host is called %q", id)
	}
	if id := durable.ClientID("a\xff"); id == "" {
		t.Error("the engine gets a host that is not UTF-8")
	}
}
