package ticking

import (
	"context"

	"github.com/steadgo/stead/periodic"
)

func startSteadLean(l *Load) (func() error, error) { return startScheduler(l, -1) }

func startStead(l *Load) (func() error, error) { return startScheduler(l, 0) }

// startScheduler uses Every, which is what a program would take; its slots lie
// from the start on, so where they lie is asked for afterwards.
func startScheduler(l *Load, history int) (func() error, error) {
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "bench"})
	if err != nil {
		return nil, err
	}
	every := periodic.Every(l.Period)
	var first *periodic.Job
	err = l.each(func(i int) error {
		phase := l.offset(i) + 1 // zero would leave the choice to the name
		if l.Mode == Burst {
			phase = -1 // one period after the start
		}
		j, err := periodic.New(periodic.Config{
			Name: jobName(i), Schedule: every, Phase: phase, History: history,
		}, func(context.Context) error { l.ran(i); return nil })
		if err != nil {
			return err
		}
		if first == nil {
			first = j
		}
		return s.Add(j)
	})
	if err != nil {
		return nil, err
	}
	if err := s.Start(context.Background()); err != nil {
		return nil, err
	}
	l.align = func() { l.place(first.Next()) }
	return func() error { return s.Stop(context.Background()) }, nil
}
