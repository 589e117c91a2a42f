package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// bounces is the state of a host whose queue gave up one of two mails and whose
// schedule has failed once.
func bounces() dashboard.State {
	ctx := context.Background()
	host := hosted.New(hosted.Config{Name: "mailer"})
	mails, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100})
	must(err)
	workers, err := channelq.NewWorkers(mails, func(_ context.Context, to string) error {
		if to == "bob" {
			return errors.New("550 no such mailbox")
		}
		return nil
	}, channelq.WorkerConfig[string]{Concurrency: 1})
	must(err)
	failed := make(chan struct{})
	report, err := periodic.New(periodic.Config{
		Name: "report", Schedule: periodic.Every(time.Hour), RunAtStart: true,
	}, func(context.Context) error {
		defer close(failed)
		return errors.New("the printer is out of paper")
	})
	must(err)
	host.Add("emails", workers)
	host.Add("report", report)
	dash := dashboard.New(host, dashboard.Config{})

	must(host.Start(ctx))
	must(mails.Enqueue(ctx, "ada"))
	must(mails.Enqueue(ctx, "bob"))
	<-failed
	must(host.Stop(ctx))
	return dash.State()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What a script would send to whoever is on call: the worst comes first.
func ExampleProblem() {
	for _, p := range bounces().Problems {
		fmt.Printf("%s: %s %s: %s (%s)\n", p.Severity, p.Kind, p.Name, p.What, p.Why)
	}
	// Output:
	// failed: queue emails: gave up on 1 item, the last one after 1 attempt (550 no such mailbox)
	// warning: schedule report: failed in its last run (the printer is out of paper)
}

// Every item that was accepted is in one of these numbers.
func ExampleQueue() {
	q := bounces().Queues[0]
	fmt.Println(q.Accepted, "=", q.Handled, "handled +", q.GaveUp, "given up +", q.TakenByHand, "by hand +",
		q.Skipped, "skipped +", q.Coalesced, "coalesced +", q.Leftover, "left over +", q.Lost(), "lost +", q.Here(), "here")
	for _, f := range q.Failures {
		fmt.Println(f.Service, f.ID, f.Error)
	}
	// Output:
	// 2 = 1 handled + 1 given up + 0 by hand + 0 skipped + 0 coalesced + 0 left over + 0 lost + 0 here
	// emails 1 550 no such mailbox
}

func ExampleSchedule() {
	s := bounces().Schedules[0]
	fmt.Println(s.Name, s.Last.Outcome, s.Last.Error, s.Runs["failed"], s.Streak)
	// Output: report failed the printer is out of paper 1 1
}

func ExampleService() {
	for _, s := range bounces().Services {
		fmt.Println(s.Name, s.State, s.Leftover)
	}
	// Output:
	// emails stopped 0
	// report stopped 0
}
