//go:build unix

package faulttest_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// leadEvery is of how many jobs one leads others. Its ID and the two after it are those of
// the jobs that lead; of three such jobs one fails.
const leadEvery = 10

func (c *chaos) lead(id int) {
	within, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	n, _ := c.b.lead(within, id) // what the store did not answer to may be there
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 2 {
		c.leads = append(c.leads, id)
	}
}

var idOf = regexp.MustCompile(`"id": ?(\d+)`)

// blocked reports whether a job, by its kind, state and JSON, waits for the success of a job
// that was given up, and that somebody may requeue.
func blocked(job string) bool {
	id := idOf.FindStringSubmatch(job)
	if id == nil || !strings.HasPrefix(job, "handled scheduled ") {
		return false
	}
	n, err := strconv.Atoi(id[1])
	return err == nil && n%3 == 0
}

// judgeFollowers has the begins of all jobs that lead or follow, and which of them ended, by
// kind and ID. That none of them waits for ever is seen in the store, see open.
func (c *chaos) judgeFollowers(runs map[string][]entry, ended map[string]bool) {
	want := map[string]bool{} // whether it runs
	for _, id := range c.leads {
		fails := id%3 == 0
		for kind, runs := range map[string]bool{"lead": true, "ended": true, "last": true, "handled": !fails, "gaveup": fails} {
			want[fmt.Sprint(kind, " ", id)] = runs
		}
		want[fmt.Sprint("lead ", id+1)], want[fmt.Sprint("lead ", id+2)] = true, true
	}
	for name, runs := range want {
		if ended[name] != runs {
			c.t.Errorf("%s has ended: %v", name, !runs)
		}
	}
	again := 0
	for name, list := range runs {
		if w, known := want[name]; known && !w {
			c.t.Errorf("%s has begun, although what it follows did not come to that", name)
		}
		for n := range len(list) - 1 {
			again++
			if !c.explains(list[n], list[n+1]) {
				c.t.Errorf("%s has begun again without a reason: %+v", name, list)
			}
		}
	}
	if len(c.leads) == 0 {
		c.t.Error("nothing was followed")
	}
	c.t.Logf("%d jobs with followers and as many batches, %d of all begun again", len(c.leads), again)
}
