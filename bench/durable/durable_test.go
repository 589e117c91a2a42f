package durable_test

import (
	"strings"
	"testing"

	"github.com/steadgo/stead/bench/durable"
)

// Small, to show that it measures; how long things take is for the command.
func TestBothAreMeasuredInTurns(t *testing.T) {
	plan := durable.Plan{Rounds: 2, Enqueue: 5, Drain: 20, Backlog: 20, Probes: 3}
	s, err := durable.Measure(t.Context(), "sqlite", plan, durable.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"river", "durable"} {
		if len(s.Rounds[who]) != 2 || s.Rounds[who][1].EnqueueMicros <= 0 || s.Rounds[who][1].DrainMicros <= 0 {
			t.Errorf("%s: %+v", who, s.Rounds[who])
		}
	}
	if targets := durable.Targets([]durable.Store{s}); len(targets) != 4 || len(s.Probes) != 3 || s.Drained <= 0 {
		t.Errorf("%+v", targets)
	}
}

func TestBothDrainAtTheSameTime(t *testing.T) {
	var out strings.Builder
	if err := durable.SideBySide(t.Context(), &out, "sqlite", 20, durable.SQLite); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sqlite, river: 20 jobs", "sqlite, durable: 20 jobs", "of 20\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
}
