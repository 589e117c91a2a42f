package stacks_test

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/stacks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGoroutinesAreFoundByTheirLabelWithTheirOtherLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const odd = "say \"hi\" \\ ü\n\"key\":\"fake\""
		labels := pprof.Labels("key", odd, "by", "b\"b")
		for range 3 {
			go pprof.Do(context.Background(), labels, func(context.Context) { hold(t) })
		}
		go pprof.Do(context.Background(), pprof.Labels("key", "other"), func(context.Context) { hold(t) })
		synctest.Wait()
		total := 0
		for g := range stacks.With("key", odd) {
			total += g.Count
			if by := g.Label("by"); by != "b\"b" {
				t.Errorf("by is %q", by)
			}
			if g.Label("ghost") != "" {
				t.Error("a label that is not there has a value")
			}
			if text := g.String(); !strings.Contains(text, "stacks_test.hold") || !strings.Contains(text, "stacks_test.go:") {
				t.Errorf("got %q", text)
			}
		}
		if total != 3 {
			t.Errorf("%d goroutines, want 3", total)
		}
		for g := range stacks.With("key", "fake") {
			t.Errorf("found %v", g)
		}
	})
}

func hold(t testing.TB) { <-t.Context().Done() }
