package slots_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/slots"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is a schedule that counts how often it is asked.
type asked struct {
	next func(after time.Time) time.Time
	n    int
}

func (a *asked) Next(after time.Time) time.Time {
	a.n++
	return a.next(after)
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTheLatestOfManySlotsIsFoundInFewSteps(t *testing.T) {
	now := epoch.AddDate(30, 0, 0).Add(300 * time.Millisecond)
	s := &asked{next: func(after time.Time) time.Time { return after.Truncate(time.Second).Add(time.Second) }}
	latest, count, err := slots.Latest(s, epoch, now)
	if err != nil || !latest.Equal(now.Truncate(time.Second)) || count != 1000 || s.n > 1100 {
		t.Errorf("%v, %d slots, %d questions, %v", latest, count, s.n, err)
	}
}

// Whatever a schedule answers, the search for the latest slot ends, with an error or
// with a slot that is not after now.
func TestTheSearchForTheLatestSlotEndsWhateverTheScheduleAnswers(t *testing.T) {
	now := epoch.AddDate(100, 0, 0)
	for name, next := range map[string]func(after time.Time) time.Time{
		"stands still":      func(after time.Time) time.Time { return after },
		"goes back":         func(after time.Time) time.Time { return after.Add(-time.Hour) },
		"a nanosecond on":   func(after time.Time) time.Time { return after.Add(1) },
		"never":             func(time.Time) time.Time { return time.Time{} },
		"always one moment": func(time.Time) time.Time { return now.Add(-time.Hour) },
		"nothing late, everything early": func(after time.Time) time.Time {
			if now.Sub(after) < 2*time.Second {
				return time.Time{} // and so the search begins with that
			}
			return after.Add(1)
		},
		"another answer each time": func() func(time.Time) time.Time {
			n := 0
			return func(after time.Time) time.Time {
				if n++; n < 20 {
					return time.Time{}
				}
				return after.Add(time.Duration(1 + n%3))
			}
		}(),
	} {
		s := &asked{next: next}
		latest, _, err := slots.Latest(s, epoch, now)
		if err == nil && latest.After(now) {
			t.Errorf("%s: %v is after now", name, latest)
		}
		if s.n > 2000 {
			t.Errorf("%s: %d questions", name, s.n)
		}
		t.Logf("%s: %d questions, %v", name, s.n, err)
	}
}
