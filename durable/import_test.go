package durable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

type letter struct {
	To   string
	Text any `json:",omitempty"`
}

func exportsAndImports[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	letters := newQueue[letter](t, jobs, "letters", nil, durable.QueueConfig[letter]{MaxWaiting: 1})
	words := newQueue[string](t, jobs, "words", nil, durable.QueueConfig[string]{})
	first := enqueue(t, letters, letter{To: "<a>\u2028\n"}, durable.Meta(map[string]string{"by": "ann"}), durable.Priority(3), durable.Attempts(7))
	enqueue(t, words, "one")
	enqueue(t, words, "two", durable.In(time.Hour))
	endAgo(t, e, "state = 'available'", time.Hour, "no paper")
	var file bytes.Buffer
	n, err := jobs.Export(t.Context(), &file, "", states("discarded", "cancelled"))
	if n != 2 || err != nil || bytes.Count(file.Bytes(), []byte("\n")) != 2 {
		t.Fatalf("%d lines, %v: %s", n, err, &file)
	}
	var line struct {
		Item struct {
			To string `json:"To"`
		} `json:"item"`
		State    string `json:"state"`
		ID       int64  `json:"id"`
		Failures []struct {
			Error string `json:"error"`
		} `json:"failures"`
	}
	must(t, json.Unmarshal(bytes.SplitN(file.Bytes(), []byte("\n"), 2)[0], &line))
	if line.Item.To != "<a>\u2028\n" || line.ID != first || line.State != "discarded" || len(line.Failures) != 1 || line.Failures[0].Error != "no paper" {
		t.Errorf("%+v of %s", line, &file)
	}
	again := newJobs(t, e.again(t), durable.EnqueueOnly)
	letters = newQueue[letter](t, again, "letters", nil, durable.QueueConfig[letter]{MaxWaiting: 1})
	words = newQueue[string](t, again, "words", nil, durable.QueueConfig[string]{})
	file.WriteString("\n") // an empty line
	if n, err := again.Import(t.Context(), bytes.NewReader(file.Bytes()), 0); n != 3 || err != nil {
		t.Fatalf("%d lines, %v", n, err)
	}
	list, _, err := letters.FindJobs(t.Context(), states("available"), "")
	must(t, err)
	job, err := letters.Job(t.Context(), list[0].ID)
	if err != nil || len(list) != 1 || job.Item != any(letter{To: "<a>\u2028\n"}) || job.Meta["by"] != "ann" || job.Priority != 3 || job.MaxAttempts != 7 || job.Attempt != 0 {
		t.Errorf("%+v, %v", job, err)
	}
	wantJobs(t, words, states("available"), 1)
	for want, do := range map[string]func() (int, error){
		"no queue": func() (int, error) { return jobs.Export(t.Context(), io.Discard, "nobody", states("discarded")) },
		"States":   func() (int, error) { return jobs.Export(t.Context(), io.Discard, "words", channelq.JobFilter{}) },
		"full":     func() (int, error) { return jobs.Export(t.Context(), full{}, "words", states("discarded")) },
	} {
		if n, err := do(); n != 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d, %v, want %s", n, err, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func refusesLines[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[letter](t, jobs, "letters", nil, durable.QueueConfig[letter]{})
	good := `{"queue": "letters", "item": { "To": "a" }}`
	of := func(item string) string { return `{"queue": "letters", "item": ` + item + `}` }
	for line, want := range map[string]string{
		`no JSON`:                         "invalid character",
		`{"queue": "letters"`:             "unexpected EOF",
		`[1]`:                             "cannot unmarshal array",
		good + good:                       "behind the JSON object",
		`{"item": {}}`:                    "queue: it is missing",
		`{"queue": "letters"}`:            "item: it is missing",
		`{"queue": 7, "item": {}}`:        "queue: it is a JSON number",
		`{"queue": "nobody", "item": {}}`: `queue: this program has no queue "nobody"`,
		`{"queue": "letters", "itm": {}}`: `unknown field "itm"`,
		of(`7`):                           "item: it is no durable_test.letter",
		of(`{"To": 7}`):                   "item: it is no durable_test.letter",
		of(`{"To": "\u0000"}`):            "item: the item.To has a NUL character",
		of(`{"Text": ["\ud800"]}`):        "item: the item.Text[0] has half a character",
		of("{\"To\": \"\x00\"}"):          "invalid character",
		of("{\"To\": \"\xff\"}"):          "it is not UTF-8",
		of(`{"Text": 1e99999}`):           "is a number that is too long",
		of(`{"Text": "` + strings.Repeat("x", 33<<20) + `"}`):       "it is more than",
		`{"queue": "letters", "item": {}, "priority": 5}`:           "priority: ",
		`{"queue": "letters", "item": {}, "max_attempts": -1}`:      "max_attempts: ",
		`{"queue": "letters", "item": {}, "meta": {"a": "\u0000"}}`: "meta: ",
		`{"queue": "letters", "item": {}, "meta": {"a": 1}}`:        "it is a JSON number",
		`{"queue": "` + strings.Repeat("q", 10<<20) + `","item":1}`: "this program has no queue",
	} {
		n, err := jobs.Import(t.Context(), strings.NewReader(good+"\n\n"+line+"\n"+good), 0)
		if n != 0 || err == nil || !strings.Contains(err.Error(), "line 3: ") || !strings.Contains(err.Error(), want) || len(err.Error()) > 1000 {
			t.Errorf("%.100q: %d, %.300v", line, n, err)
		}
	}
	wantJobs(t, q, channelq.JobFilter{}, 0)
	large := of(`{"Text": "` + strings.Repeat("x", 1<<20) + `"}`)
	if n, err := jobs.Import(t.Context(), strings.NewReader(good+"\r\n"+large), 0); n != 2 || err != nil {
		t.Errorf("1 MB: %d, %v", n, err)
	}
}

func importsInPieces[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "numbers", nil, durable.QueueConfig[int]{})
	file := func(bad int) io.Reader {
		var b strings.Builder
		for i := 1; i <= 1100; i++ {
			if i == bad {
				b.WriteString("bad")
			}
			fmt.Fprintf(&b, `{"queue":"numbers","item":%d}`+"\n", i)
		}
		return strings.NewReader(b.String())
	}
	n, err := jobs.Import(t.Context(), file(734), 0)
	if n != 500 || err == nil || !strings.Contains(err.Error(), "500 lines are in: line 734: ") {
		t.Errorf("%d, %v", n, err)
	}
	wantJobs(t, q, channelq.JobFilter{}, 500)
	if n, err = jobs.Import(t.Context(), file(0), n); n != 1100 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	wantJobs(t, q, channelq.JobFilter{}, 1100)
	if n, err = jobs.Import(t.Context(), file(0), 1101); n != 1100 || err == nil || !strings.Contains(err.Error(), "skip is 1101, but there are 1100 lines") {
		t.Errorf("%d, %v", n, err)
	}
	wantJobs(t, q, channelq.JobFilter{}, 1100)
	worker := newJobs(t, e.store, durable.WorkOnly)
	newQueue(t, worker, "numbers", nothing[int], durable.QueueConfig[int]{})
	if n, err := worker.Import(t.Context(), file(0), 0); n != 0 || !errors.Is(err, durable.ErrWorkOnly) {
		t.Errorf("%d, %v", n, err)
	}
}
