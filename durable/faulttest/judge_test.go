//go:build unix

package faulttest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// open are the jobs in the store that have not come to their end, but for what waits for
// others by right: see blocked.
func (c *chaos) open() []string {
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	args := "json(args)"
	if c.server != nil {
		args = "CAST(args AS text)"
	}
	list, err := c.b.column(ctx, "SELECT kind || ' ' || state || ' ' || "+args+" FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded') AND kind NOT LIKE 'tick%'")
	if err != nil {
		return []string{err.Error()}
	}
	return slices.DeleteFunc(list, blocked)
}

func (c *chaos) judge(took time.Duration) {
	t := c.t
	runs := map[int][]entry{} // begins, by job
	follow := map[string][]entry{}
	followed := map[string]bool{}
	ended := map[int]bool{}
	slotRuns := 0
	for _, e := range c.b.read(t) {
		e.at = e.at.Add(-c.ahead[e.pid])
		switch {
		case strings.HasPrefix(e.kind, "tick"):
			slotRuns++
		case e.kind != "task":
			name := fmt.Sprint(e.kind, " ", e.id)
			if e.what == "begin" {
				follow[name] = append(follow[name], e)
			} else {
				followed[name] = true
			}
		case e.what == "begin":
			runs[e.id] = append(runs[e.id], e)
		default:
			ended[e.id] = true
		}
	}
	var lost, foreign, again, unexplained []int
	for _, id := range c.accepted {
		if !ended[id] {
			lost = append(lost, id)
		}
	}
	for id, list := range runs {
		if !slices.Contains(c.accepted, id) && !c.unknown[id] {
			foreign = append(foreign, id)
		}
		if len(list) > 1 {
			again = append(again, id)
		}
		for n := range len(list) - 1 {
			if !c.explains(list[n], list[n+1]) {
				unexplained = append(unexplained, id)
			}
		}
	}
	c.judgeFollowers(follow, followed)
	doubled := 0
	for _, kind := range []string{"tick0", "tick1"} {
		doubled += c.doubled(kind)
	}
	t.Logf("%d jobs accepted, %d kills, %d stops, %d crashes of the server: lost %d, slots doubled %d of %d runs, begun more than once %d, unexplained %d, the rest done in %v",
		len(c.accepted), c.kills, c.stops, c.crashes, len(lost), doubled, slotRuns/2, len(again), len(unexplained), took.Round(10*time.Millisecond))
	if len(lost)+len(foreign)+len(unexplained)+doubled > 0 || len(c.accepted) == 0 {
		t.Errorf("lost %v, never enqueued %v, unexplained %v, slots doubled %d", lost, foreign, unexplained, doubled)
		for _, id := range unexplained {
			t.Logf("job %d: %+v", id, runs[id])
		}
		t.Logf("troubles: %+v", c.troubles)
	}
}

// explains reports whether something happened to the process of a run, or to the
// store, between the run and the next one of the same job. It may also have happened to
// the process of the next one: a process that was stopped after it had fetched a job begins
// it when it goes on, although the job has been run elsewhere meanwhile.
func (c *chaos) explains(run, next entry) bool {
	const written = 200 * time.Millisecond // a begin is in the journal a little after the store knows of it
	return slices.ContainsFunc(c.troubles, func(x trouble) bool {
		return (x.pid == run.pid || x.pid == next.pid || x.pid == 0) && x.to.After(run.at.Add(-written)) && x.from.Before(next.at)
	})
}

// doubled counts the slots of a schedule with more than one job.
func (c *chaos) doubled(kind string) int {
	slot := "json_extract(metadata, '$.stead_slot')"
	if strings.HasPrefix(c.b.arg, "postgres://") {
		slot = "metadata->>'stead_slot'"
	}
	list, err := c.b.column(c.t.Context(), "SELECT "+slot+" FROM river_job WHERE kind = '"+kind+"' GROUP BY 1 HAVING count(*) > 1")
	must(c.t, err)
	all, err := c.b.column(c.t.Context(), "SELECT CAST(count(DISTINCT "+slot+") AS text) FROM river_job WHERE kind = '"+kind+"'")
	must(c.t, err)
	if len(all) != 1 || all[0] == "0" {
		c.t.Errorf("%s has no slots: %v", kind, all)
	}
	return len(list)
}
