package ticking

import (
	"context"
	"time"

	"github.com/go-co-op/gocron/v2"
	gocron2 "github.com/netresearch/go-cron"
	"github.com/reugn/go-quartz/logger"
	"github.com/reugn/go-quartz/quartz"
)

func startGoCron(l *Load) (func() error, error) {
	c := gocron2.New()
	err := l.each(func(i int) error {
		_, err := c.ScheduleJob(l.grid(i), gocron2.FuncJob(func() { l.ran(i) }))
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Start()
	return func() error { c.StopAndWait(); return nil }, nil
}

func startGocron(l *Load) (func() error, error) {
	s, err := gocron.NewScheduler(gocron.WithStopTimeout(setUpLimit))
	if err != nil {
		return nil, err
	}
	every := gocron.DurationJob(l.Period)
	err = l.each(func(i int) error {
		// Its first slot may have passed when it is added, if the set-up is slow.
		begin := gocron.WithStartDateTimePast(time.Unix(0, l.grid(i).after(time.Now().UnixNano())))
		_, err := s.NewJob(every, gocron.NewTask(func() { l.ran(i) }),
			gocron.WithName(jobName(i)), gocron.WithStartAt(begin))
		return err
	})
	if err != nil {
		_ = s.Shutdown()
		return nil, err
	}
	s.Start()
	return s.Shutdown, nil
}

// quartzJob is a job of go-quartz and its trigger.
type quartzJob struct {
	load *Load
	i    int
}

func (j *quartzJob) Execute(context.Context) error { j.load.ran(j.i); return nil }

func (j *quartzJob) Description() string { return "bench" }

func (j *quartzJob) NextFireTime(prev int64) (int64, error) { return j.load.grid(j.i).after(prev), nil }

func startQuartz(l *Load) (func() error, error) {
	s, err := quartz.NewStdScheduler(quartz.WithLogger(logger.NoOpLogger{}))
	if err != nil {
		return nil, err
	}
	err = l.each(func(i int) error {
		j := &quartzJob{l, i}
		return s.ScheduleJob(quartz.NewJobDetail(j, quartz.NewJobKey(jobName(i))), j)
	})
	if err != nil {
		return nil, err
	}
	s.Start(context.Background())
	return func() error {
		s.Stop()
		s.Wait(context.Background())
		return nil
	}, nil
}
