package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted/hostedtest"
)

func TestTheWorkerPollsAtOnceAndStops(t *testing.T) {
	polled := make(chan struct{}, 1)
	host, err := build(slog.New(onPoll{polled}), "127.0.0.1:0", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	hostedtest.Start(t, host)
	<-polled
}

// onPoll is a log handler that tells of the poll.
type onPoll struct{ polled chan<- struct{} }

func (h onPoll) Enabled(context.Context, slog.Level) bool { return true }
func (h onPoll) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h onPoll) WithGroup(string) slog.Handler            { return h }

func (h onPoll) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "polled") {
		select {
		case h.polled <- struct{}{}:
		default:
		}
	}
	return nil
}
