package plural_test

import (
	"testing"

	"github.com/steadgo/stead/internal/plural"
)

func TestOneIsNotMany(t *testing.T) {
	for n, want := range map[int]string{0: "0 requests", 1: "1 request", 2: "2 requests"} {
		if got := plural.Of(n, "request"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
