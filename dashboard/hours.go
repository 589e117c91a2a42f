package dashboard

import (
	"context"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

const (
	// hoursKept is how far back the page of a queue asks its store.
	hoursKept = 30 * 24 * time.Hour

	// hoursWait is how long it waits for that.
	hoursWait = time.Second
)

// queueHours is what ended in a queue by the hour, as its store has it.
type queueHours struct {
	Error  string // why it is not known
	counts []channelq.HourCounts
}

// hours asks the first of the sources of a queue that knows, nil if none does.
func (inv *inventory) hours(queue string) *queueHours {
	for _, s := range inv.queues[queue] {
		h, ok := find[hoursSource](s)
		if !ok {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), hoursWait)
		defer cancel()
		var q queueHours
		err := guard.Call(func() (err error) {
			q.counts, err = h.History(ctx, inv.state.Time.Add(-hoursKept))
			return err
		})
		q.Error = text(err)
		return &q
	}
	return nil
}

// Day and Month are charts of what ended in the last 24 hours, and in the last 30 days.
func (v *view) Day() chart   { return v.ended("hour", 24, time.Hour) }
func (v *view) Month() chart { return v.ended("day", 30, 24*time.Hour) }

// ended is a chart of n times as long as size, which goes by the name of one. The last one
// ends with the present hour. It begins with the first time in which something ended: of
// what was before the store does not know whether it counted.
func (v *view) ended(one string, n int, size time.Duration) chart {
	now := v.State.Time
	end := now.Truncate(time.Hour).Add(time.Hour)
	sums := make([]channelq.HourCounts, n) // the newest first
	first := 0
	var all channelq.HourCounts
	for _, h := range v.Hours.counts {
		i := max(int(end.Sub(h.Hour.Add(time.Hour))/size), 0) // the store's clock may be ahead
		if i >= n {
			continue
		}
		first = max(first, i)
		for _, sum := range []*channelq.HourCounts{&sums[i], &all} {
			sum.Handled, sum.GaveUp, sum.Canceled = sum.Handled+h.Handled, sum.GaveUp+h.GaveUp, sum.Canceled+h.Canceled
		}
	}
	points, at := []Point{}, map[time.Time]channelq.HourCounts{}
	for i := min(max(first, 1), n-1); i >= 0; i-- {
		p := Point{Time: now.Add(-time.Duration(i) * size)}
		points, at[p.Time] = append(points, p), sums[i]
	}
	c := draw(points, now, now.Sub(points[0].Time), 2*size, "Jobs ended per "+one, func(n float64) string { return grouped(uint64(n)) },
		curve{class: "out", name: "handled", value: func(p Point) (float64, bool) { return float64(at[p.Time].Handled), true }},
		curve{class: "failed", name: "gave up " + grouped(uint64(all.GaveUp)), optional: true, value: func(p Point) (float64, bool) { return float64(at[p.Time].GaveUp), true }},
		curve{class: "oldest", name: "canceled " + grouped(uint64(all.Canceled)), optional: true, value: func(p Point) (float64, bool) { return float64(at[p.Time].Canceled), true }})
	c.Now = grouped(uint64(all.Handled)) + " handled"
	return c
}
