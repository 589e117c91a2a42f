package ticking

import (
	"fmt"
	"strconv"
)

// Contender is one way to run jobs by a schedule.
type Contender struct {
	Name    string
	Library bool // a scheduler of another project

	// Start runs the jobs of a load. Stop, to be called once, returns when no job
	// runs any more. After an error nothing runs.
	Start func(l *Load) (stop func() error, err error)
}

// The two of Stead: as it comes, and without the history of runs.
const (
	Stead     = "stead"
	SteadLean = "stead-no-history"
)

// Contenders are all that are measured, the ones that do least first.
func Contenders() []Contender {
	return []Contender{
		{"goroutine-ticker", false, startTickers},
		{"afterfunc", false, startAfterFunc},
		{SteadLean, false, startSteadLean},
		{Stead, false, startStead},
		{"robfig-cron", true, startRobfig},
		{"go-cron", true, startGoCron},
		{"gocron", true, startGocron},
		{"go-quartz", true, startQuartz},
	}
}

// Find returns the contender of that name.
func Find(name string) (Contender, error) {
	for _, c := range Contenders() {
		if c.Name == name {
			return c, nil
		}
	}
	return Contender{}, fmt.Errorf("ticking: no contender %q", name)
}

// jobName is made for each job, because a program has to make it too.
func jobName(i int) string { return "job-" + strconv.Itoa(i) }
