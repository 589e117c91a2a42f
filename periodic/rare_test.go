package periodic_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// rare are lines that are due on a day of a leap year on which the zone data of Go
// have led a walk in circles, or for which a walk has to pass such days.
var rare = []struct {
	line  string
	opts  []periodic.CronOption
	match func(w *civil) bool
}{
	{"0 9 29 2 *", nil, func(w *civil) bool { return w.month == 2 && w.day == 29 }},
	{"0 9 * 2 MON#5", nil, func(w *civil) bool { return w.month == 2 && w.day == 29 && w.weekday == time.Monday }},
	{"0 9 31 12 *", nil, func(w *civil) bool { return w.month == 12 && w.day == 31 }},
	{"0 9 31 12 FRI", []periodic.CronOption{periodic.AndDays()}, func(w *civil) bool {
		return w.month == 12 && w.day == 31 && w.weekday == time.Friday
	}},
	{"0 9 L-1W 2,12 *", nil, func(w *civil) bool { return (w.month == 2 || w.month == 12) && w.nearest(w.last-1) }},
	{"0 9 1 1 *", nil, func(w *civil) bool { return w.month == 1 && w.day == 1 }},
}

var rareZones = []string{
	"Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe",
}

// Also with Go's own zone data, for which see step zones of .ci/step.
func TestRareSlotsAreFoundToTheYear2100(t *testing.T) {
	for _, zone := range rareZones {
		loc := location(t, zone)
		for _, r := range rare {
			s := cron(t, r.line, loc, r.opts...)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
			for day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2100; day = day.AddDate(0, 0, 1) {
				if w := civilOf(day.Unix()/60, civil{}); !r.match(&w) {
					continue
				}
				next, want := s.Next(at), time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, loc)
				if !next.Equal(want) {
					t.Fatalf("%v: the slot after %v is %v, want %v", s, at, next, want)
				}
				at = next
			}
			if next := s.Next(at); next.Year() < 2100 {
				t.Errorf("%v: %v after the last", s, next)
			}
		}
	}
}

// BenchmarkRareSlots asks each of them from slot to slot until 2100; an operation is
// one Next.
func BenchmarkRareSlots(b *testing.B) {
	for _, zone := range rareZones {
		for _, r := range rare {
			b.Run(fmt.Sprintf("%s %s", zone, r.line), func(b *testing.B) {
				s := cron(b, r.line, location(b, zone), r.opts...)
				at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				for b.Loop() {
					if at = s.Next(at); at.Year() >= 2100 {
						at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
					}
				}
			})
		}
	}
}

// All the slots of this one fall into the gap of spring since the United States
// moved it to that Sunday.
func TestSlotsThatAllFallIntoGapsEndTheSearch(t *testing.T) {
	s := cron(t, "30 2 * 3 SUN#2", location(t, "America/New_York"), periodic.Gap(periodic.SkipGap))
	nexts(t, s, time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC), "2005-03-13 02:30", "2006-03-12 02:30")
	if next := s.Next(time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC)); !next.IsZero() {
		t.Errorf("found %v", next)
	}
}

func TestInstantsFarFromOursHaveAnAnswer(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(-1<<40, 0), time.Unix(1<<40, 0), time.Unix(1<<62, 0), time.Unix(-1<<62, 0),
		time.Unix(1<<63-1, 0), time.Unix(-1<<63, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(1582, 10, 10, 0, 0, 0, 0, time.UTC), time.Date(-9999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for _, loc := range []*time.Location{nil, berlin, time.FixedZone("far", 1<<31-1), time.FixedZone("back", -1<<31)} {
			for _, line := range []string{"* * * * * *", "0 9 29 2 *", "30 2 L-3W 2 MON#5"} {
				if next := cron(t, line, loc).Next(at); !next.IsZero() && !next.After(at) {
					t.Errorf("%q in %v after %v: %v", line, loc, at, next)
				}
			}
		}
	}
}

// A holiday on the last day of a leap year has an end, and a job with it goes on.
func TestTheLastDayOfALeapYearIsAHolidayLikeAnother(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	holidays, err := calendar.Holidays(berlin, "12-31")
	if err != nil {
		t.Fatal(err)
	}
	s := periodic.Except(periodic.MustDailyAt("09:00", berlin), holidays)
	for year := 2027; year <= 2096; year++ {
		nexts(t, s, time.Date(year, 12, 30, 9, 0, 0, 0, berlin), fmt.Sprintf("%d-01-01 09:00:00 +0100", year+1))
	}
}

// One job whose slot lies behind such a day must not hold up the others.
func TestARareSlotHoldsUpNoOtherJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		l := newLog()
		add(t, s, periodic.Config{Name: "often", Schedule: periodic.Every(time.Second), Phase: -1}, l.run(0))
		add(t, s, periodic.Config{Name: "rare", Schedule: periodic.MustCron("0 9 29 2 MON", location(t, "Europe/Berlin"), periodic.AndDays())}, nothing)
		pass(5*time.Second + time.Millisecond)
		if l.count() != 5 {
			t.Errorf("%d runs", l.count())
		}
	})
}

// still is a schedule of somebody else that gives the same answer whatever it is asked.
type still struct{ at time.Time }

func (s still) Next(time.Time) time.Time { return s.at }

func TestAScheduleThatStandsStillInsideAnotherEndsItsJobOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := time.Now()
		soon, later := still{zero.Add(time.Second)}, zero.Add(3*time.Second)
		s, l := scheduler(t), newLog()
		add(t, s, periodic.Config{Name: "often", Schedule: periodic.Every(time.Second), Phase: -1}, l.run(0))
		jobs := map[string]*periodic.Job{}
		for name, schedule := range map[string]periodic.Schedule{
			"union":   periodic.Union(periodic.Every(time.Hour), soon),
			"except":  periodic.Except(soon, calendar.Between(zero, later)),
			"bounded": periodic.Bounded(soon, later, time.Time{}),
		} {
			j, err := periodic.New(periodic.Config{Name: name, Schedule: schedule}, nothing)
			if err != nil {
				t.Fatal(err)
			}
			if err = s.Add(j); err == nil {
				jobs[name] = j
			} else if !strings.Contains(err.Error(), "is not later") {
				t.Errorf("%s: %v", name, err)
			}
		}
		pass(5*time.Second + time.Millisecond)
		if l.count() != 5 {
			t.Errorf("%d runs", l.count())
		}
		for name, j := range jobs {
			if err := j.Err(); err == nil || !strings.Contains(err.Error(), "is not later") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
