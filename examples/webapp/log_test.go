package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// Whoever reads the log of a day finds what happened to the program, and not what it did
// all day. Servers are left out: a bubble has no network.
func TestTheLogOfAnHourIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		host := hosted.New(hosted.Config{Name: "webapp", Logger: logger})
		sent := 0
		emails := inMemory(host, func(context.Context, welcome) error {
			time.Sleep(20 * time.Millisecond)
			return nil
		}, &leftovers{})
		shop := newProducts(newOrigin(0), logger)
		host.Task("warm-up", shop.warm)
		host.Add("products", cli.Must(periodic.New(periodic.Config{
			Name: "products", Schedule: periodic.Every(time.Minute), Phase: -1,
		}, shop.refresh)), hosted.Health(shop.health), hosted.NotCritical())
		newAdmin(host, config{log: logger}).addTo(host)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3600 {
			if err := emails.Enqueue(t.Context(), welcome{fmt.Sprintf("visitor-%d@example.com", sent)}); err != nil {
				t.Fatal(err)
			}
			sent++
			time.Sleep(time.Second)
		}
		if err := host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if got := emails.stats().Handled; got != 3600 || shop.origin.calls.Load() < 60 {
			t.Errorf("%d mails, %d fetches: that is no hour", got, shop.origin.calls.Load())
		}
		if n := strings.Count(log.String(), "\n"); n >= 40 {
			t.Errorf("%d lines of log:\n%s", n, log.String())
		}
	})
}

func TestTheLogOfADemoHasNothingOfSingleMails(t *testing.T) {
	var all, few bytes.Buffer
	loud, quiet := slog.New(slog.NewTextHandler(&all, nil)), slog.New(slog.NewTextHandler(&few, &slog.HandlerOptions{Level: slog.LevelWarn}))
	demo := config{demo: true}
	log := demo.logger(loud, quiet)
	log.Info("host started")
	log.Error("gave up", "queue", "emails")
	log.With("job", "stock").Warn("run failed")
	log.With("host", "webapp").WithGroup("g").Info("service stopped")
	if n := strings.Count(all.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want the two of the host: %s", n, all.String())
	}
	silent := config{quiet: true, demo: true}
	silent.logger(loud, quiet).Info("host started")
	if silent.logger(loud, quiet).Warn("slow stop"); strings.Count(few.String(), "\n") != 1 {
		t.Errorf("quiet is %s", few.String())
	}
}
