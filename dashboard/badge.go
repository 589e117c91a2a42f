package dashboard

import (
	"strings"

	"github.com/steadgo/stead/lifecycle"
)

// QueueState returns the badge of a queue.
func (v *view) QueueState(q Queue) badge {
	switch {
	case q.Paused:
		return badge{Notice, "paused"}
	case len(q.Failures) > 0:
		return badge{v.failureSeverity(q), count(len(q.Failures), "failure")}
	case q.Capacity > 0 && q.Depth >= q.Capacity:
		return badge{Warning, "full"}
	case q.trouble.Word != "":
		return q.trouble
	case len(q.Retrying) > 0:
		return badge{Warning, "retrying"}
	case q.InProgress > 0 || q.Depth > 0:
		return badge{OK, "working"}
	}
	return badge{OK, "idle"}
}

// ScheduleState returns the badge of a schedule.
func (v *view) ScheduleState(j Schedule) badge {
	switch {
	case j.GaveUp:
		return badge{Failed, "gave up"}
	case !j.StuckInNext.IsZero():
		return badge{Failed, "stuck in Next"}
	case j.Paused:
		return badge{Notice, "paused"}
	case j.Stuck > 0:
		return badge{Warning, "stuck"}
	case j.Running > 0:
		return badge{OK, "running"}
	case j.Streak > 0:
		return badge{Warning, "failing"}
	case !j.Active:
		return badge{"", "not active"}
	}
	return badge{OK, "waiting"}
}

// ServiceState returns the badge of a service, by the name of its state.
func (v *view) ServiceState(state string) badge {
	switch state {
	case lifecycle.Running.String(), lifecycle.Completed.String():
		return badge{OK, state}
	case lifecycle.Failed.String():
		return badge{Failed, state}
	case lifecycle.Restarting.String():
		return badge{Warning, state}
	case lifecycle.Stopping.String(), lifecycle.Starting.String():
		return badge{Notice, state}
	}
	return badge{"", state}
}

// OutcomeState returns the badge of a run, by the name of its outcome.
func (v *view) OutcomeState(outcome string) badge {
	switch outcome {
	case "succeeded":
		return badge{OK, outcome}
	case "canceled":
		return badge{"", outcome}
	}
	return badge{Failed, strings.ReplaceAll(outcome, "_", " ")}
}

// badge is a state in a word and a severity. The color never stands alone.
type badge struct {
	Severity Severity
	Word     string
}
