package ticking

import (
	"runtime"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/steadgo/stead/bench/internal/lab"
	"github.com/steadgo/stead/periodic"
)

// Next is what it takes to ask a cron schedule in a time zone for its next slot,
// from slot to slot through two years.
type Next struct {
	Expr   string     `json:"expr"`
	Zone   string     `json:"zone"`
	Stead  lab.Spread `json:"stead_ns"`
	Robfig lab.Spread `json:"robfig_ns"`
	Ratio  lab.Spread `json:"ratio"` // of neighboring rounds
	Allocs float64    `json:"stead_allocs"`
}

// schedule is the interface that both have.
type schedule interface {
	Next(after time.Time) time.Time
}

// Pair is one cron expression, as each of the two reads it.
type Pair struct {
	Expr, Zone    string
	Stead, Robfig schedule
}

// Pairs are the schedules that are compared.
func Pairs() ([]Pair, error) {
	pairs := []Pair{
		{Expr: "*/15 9-17 * * MON-FRI", Zone: "America/New_York"},
		{Expr: "30 2 * * *", Zone: "Europe/Berlin"},
	}
	for i := range pairs {
		p := &pairs[i]
		loc, err := time.LoadLocation(p.Zone)
		if err != nil {
			return nil, err
		}
		if p.Stead, err = periodic.Cron(p.Expr, loc); err != nil {
			return nil, err
		}
		if p.Robfig, err = cron.ParseStandard("CRON_TZ=" + p.Zone + " " + p.Expr); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// MeasureNext lets the two take turns.
func MeasureNext(rounds int) ([]Next, error) {
	pairs, err := Pairs()
	if err != nil {
		return nil, err
	}
	var all []Next
	for _, p := range pairs {
		n := Next{Expr: p.Expr, Zone: p.Zone}
		var stead, robfig, ratio []float64
		for range rounds {
			a, allocs := walk(p.Stead)
			b, _ := walk(p.Robfig)
			stead, robfig, ratio = append(stead, a), append(robfig, b), append(ratio, a/b)
			n.Allocs = max(n.Allocs, allocs)
		}
		n.Stead, n.Robfig, n.Ratio = lab.SpreadOf(stead), lab.SpreadOf(robfig), lab.SpreadOf(ratio)
		all = append(all, n)
	}
	return all, nil
}

// walk returns nanoseconds and allocations for each call.
func walk(s schedule) (ns, allocs float64) {
	const calls = 20_000
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, at := time.Now(), begin
	for range calls {
		if at = s.Next(at); at.Year() > 2027 {
			at = begin
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	// Whole ones: the runtime itself allocates now and then.
	return float64(took.Nanoseconds()) / calls, float64((after.Mallocs - before.Mallocs) / calls)
}
