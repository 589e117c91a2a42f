package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/steadgo/stead/channelq"
)

const (
	tripAfter = 3                      // failures in a row
	openFor   = 2 * time.Second        // then the sink is left in peace for so long
	lookEvery = 100 * time.Millisecond // whether that has passed
)

// sender posts batches to the sink, through a circuit breaker.
type sender struct {
	url     func() string
	client  *http.Client
	breaker *gobreaker.CircuitBreaker[[]refusal]
}

// refusal is what the sink says of one event of a batch that it did not take.
type refusal struct {
	Index  int `json:"index"`
	Status int `json:"status"`
}

func newSender(url func() string, log *slog.Logger) *sender {
	transport := http.DefaultTransport.(*http.Transport).Clone() // documented
	return &sender{
		url:    url,
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		breaker: gobreaker.NewCircuitBreaker[[]refusal](gobreaker.Settings{
			Name:        "sink",
			Timeout:     openFor,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
			// That a stop cuts a request short says nothing about the sink, nor does
			// a batch that it understands and does not want.
			IsExcluded:   func(err error) bool { return errors.Is(err, channelq.ErrStopping) },
			IsSuccessful: func(err error) bool { return err == nil || channelq.IsPermanent(err) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				log.Warn("circuit breaker changed", "sink", name, "from", from.String(), "to", to.String())
			},
		}),
	}
}

// send is the handler of the batcher. A batcher hands over one batch at a time, so
// to wait here is to pause it: while the breaker is open the events stay in their
// queue, and no attempt is used up. The end of ctx is the end of the wait; the
// batch is then left over.
func (s *sender) send(ctx context.Context, events []event) error {
	for {
		refused, err := s.breaker.Execute(func() ([]refusal, error) { return s.post(ctx, events) })
		switch {
		case errors.Is(err, gobreaker.ErrOpenState):
		case err != nil:
			return err
		default:
			return partial(refused)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// post returns the events that the sink refused, or an error for all of them.
func (s *sender) post(ctx context.Context, events []event) ([]refusal, error) {
	body, err := json.Marshal(events)
	if err != nil {
		return nil, channelq.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url(), bytes.NewReader(body))
	if err != nil {
		return nil, channelq.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusMultiStatus:
		var answer struct {
			Failed []refusal `json:"failed"`
		}
		if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
			return nil, fmt.Errorf("the sink's answer: %w", err)
		}
		return answer.Failed, nil
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, verdict(resp.StatusCode)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the connection be used again
	return nil, nil
}

// partial is an error for the events that were refused, and for no others: those
// of the batch that are not in it count as handled.
func partial(refused []refusal) error {
	if len(refused) == 0 {
		return nil
	}
	failed := make(map[int]error, len(refused))
	for _, r := range refused {
		failed[r.Index] = verdict(r.Status)
	}
	return &channelq.BatchError{Failed: failed}
}

// verdict turns a status into an error. A client error is permanent, except for "too
// slow" and "too many".
func verdict(status int) error {
	err := fmt.Errorf("the sink answers %d %s", status, http.StatusText(status))
	if status < http.StatusInternalServerError && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests {
		return channelq.Permanent(err)
	}
	return err
}
