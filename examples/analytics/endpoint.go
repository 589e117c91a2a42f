package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/steadgo/stead/channelq"
)

// event is a JSON object; what is in it is for the sink to know. One with an id
// lets the sink recognize an event that reaches it twice.
type event = json.RawMessage

// endpoint takes events: one or more JSON objects, as in a file of JSON lines.
type endpoint struct{ events *channelq.Queue[event] }

// ServeHTTP answers 202 when all events are in the queue. With 503 it says how many
// of them are, from the first on: the others are to be sent again.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	batch, err := read(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"accepted": 0, "error": err.Error()})
		return
	}
	n, err := e.events.EnqueueAll(r.Context(), batch)
	if err != nil { // full, or stopping
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, map[string]any{"accepted": n, "error": "too many events, please come back"})
		return
	}
	answer(w, http.StatusAccepted, map[string]any{"accepted": n})
}

// read returns all events or none.
func read(body io.Reader) ([]event, error) {
	var all []event
	for decoder := json.NewDecoder(body); ; {
		var raw event
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("no event")
		case err != nil:
			return nil, fmt.Errorf("event %d: %w", len(all)+1, err)
		case raw[0] != '{':
			return nil, fmt.Errorf("event %d is not a JSON object", len(all)+1)
		}
		var line bytes.Buffer // one line, as the file wants it
		if err := json.Compact(&line, raw); err != nil {
			return nil, err
		}
		all = append(all, line.Bytes())
	}
}

func answer(w http.ResponseWriter, status int, v map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // to a client that may have gone
}
