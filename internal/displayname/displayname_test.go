package displayname_test

import (
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
