package ticking

import "github.com/robfig/cron/v3"

func startRobfig(l *Load) (func() error, error) {
	c := cron.New()
	err := l.each(func(i int) error {
		c.Schedule(l.grid(i), cron.FuncJob(func() { l.ran(i) }))
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Start()
	return func() error { <-c.Stop().Done(); return nil }, nil
}
