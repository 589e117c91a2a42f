package lab_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/bench/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpreadOfReadsQuartiles(t *testing.T) {
	got := lab.SpreadOf([]float64{5, 1, 4, 2, 3})
	if want := (lab.Spread{Median: 3, Low: 2, High: 4, Min: 1}); got != want {
		t.Errorf("odd sample: %+v, want %+v", got, want)
	}
	if got := lab.SpreadOf([]float64{1, 2}).Median; got != 1.5 {
		t.Errorf("median of two: %v, want 1.5", got)
	}
	if got := lab.SpreadOf(nil); got != (lab.Spread{}) {
		t.Errorf("nothing: %+v", got)
	}
}

func TestTargetsThatWereMissedFailTheCheck(t *testing.T) {
	met := lab.Target{Name: "bytes", Limit: 10, Got: 9, Met: true}
	if err := lab.Check([]lab.Target{met}); err != nil {
		t.Error(err)
	}
	if err := lab.Check([]lab.Target{met, {Name: "ns", Limit: 10, Got: 11}}); err == nil {
		t.Error("a missed target passed")
	}
}
