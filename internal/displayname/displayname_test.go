package displayname_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/displayname"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type queue struct{ _ int }

type consumer struct{ of *queue }

func (c *consumer) Observed() any { return c.of }

func TestAThingHasOneNameAndTwoThingsHaveTwo(t *testing.T) {
	n := displayname.New()
	mails, others, third := new(queue), new(queue), new(queue)
	for _, c := range []struct {
		thing     any
		name, get string
	}{
		{mails, "mails", "mails"},
		{&consumer{mails}, "outer/mails", "mails"}, // the same queue
		{others, "mails", "mails'"},
		{third, "mails", "mails''"},
		{mails, "mails", "mails"},
		{struct{}{}, "tick", "tick"}, // no identity but its name
		{struct{}{}, "tick", "tick"},
		{new(queue), "tick", "tick'"},
	} {
		if got := n.Of(c.thing, c.name); got != c.get {
			t.Errorf("%q of %T is %q, want %q", c.name, c.thing, got, c.get)
		}
	}
}

// A snapshot that meets others than the one before, or in another order, gives the names
// that one without a past gives.
func TestASnapshotRemembersNothingThatIsNotSo(t *testing.T) {
	things := []any{new(queue), new(queue), new(queue), struct{}{}}
	things = append(things, &consumer{things[0].(*queue)})
	names := []string{"a", "a'", "b"}
	random := rand.New(rand.NewPCG(1, 2))
	old := displayname.New()
	var last [][2]int
	for round := range 2000 {
		calls := last[:random.IntN(len(last)+1)] // some of the last snapshot
		for range random.IntN(6) {
			calls = append(calls, [2]int{random.IntN(len(things)), random.IntN(len(names))})
		}
		last = slices.Clone(calls)
		fresh := displayname.New()
		if old.Reset(); round%7 == 0 {
			fresh.Grow(10)
		}
		for _, c := range calls {
			shown, again := old.Meet(things[c[0]], names[c[1]])
			want, wantAgain := fresh.Meet(things[c[0]], names[c[1]])
			if shown != want || again != wantAgain {
				t.Fatalf("round %d: %v of %v is %q (again: %v), want %q (%v)", round, c, calls, shown, again, want, wantAgain)
			}
		}
	}
}

func TestWhatIsGoneIsNotKept(t *testing.T) {
	n := displayname.New()
	gone := make(chan struct{})
	func() {
		thing := new([1 << 16]byte)
		runtime.AddCleanup(thing, func(struct{}) { close(gone) }, struct{}{})
		n.Of(new(queue), "first")
		n.Of(thing, "thing")
	}()
	n.Reset()
	n.Of(new(queue), "first")
	n.Reset()
	for {
		runtime.GC()
		select {
		case <-gone:
			runtime.KeepAlive(n)
			return
		default:
		}
	}
}
