package periodic_test

import (
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestFixedTimesOverAGap(t *testing.T) {
	ny := location(t, "America/New_York")
	eve := instant(t, "2026-03-07 12:00", ny)
	nexts(t, cron(t, "30 2 * * *", ny), eve, "2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400")
	nexts(t, cron(t, "30 2 * * *", ny, periodic.Gap(periodic.SkipGap)), eve, "2026-03-09 02:30", "2026-03-10 02:30")
	nexts(t, cron(t, "15,45 2 * * *", ny), eve, "2026-03-08 03:00", "2026-03-09 02:15", "2026-03-09 02:45")
	nexts(t, cron(t, "30 2,3 * * *", ny), eve, "2026-03-08 03:00", "2026-03-08 03:30", "2026-03-09 02:30", "2026-03-09 03:30")
	nexts(t, cron(t, "0 3 * * *", ny), eve, "2026-03-08 03:00", "2026-03-09 03:00")
}

func TestFixedTimesOverARepeat(t *testing.T) {
	ny := location(t, "America/New_York")
	eve := instant(t, "2026-10-31 12:00", ny)
	nexts(t, cron(t, "30 1 * * *", ny), eve, "2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500")
	nexts(t, cron(t, "30 1 * * *", ny, periodic.Repeat(periodic.RepeatBoth)), eve,
		"2026-11-01 01:30:00 -0400", "2026-11-01 01:30:00 -0500", "2026-11-02 01:30:00 -0500")
	nexts(t, cron(t, "0,30 1 * * *", ny), eve, "2026-11-01 01:00:00 -0400", "2026-11-01 01:30:00 -0400", "2026-11-02 01:00")
	nexts(t, cron(t, "0 * * * *", ny), instant(t, "2026-11-01 00:30", ny),
		"2026-11-01 01:00:00 -0400", "2026-11-01 01:00:00 -0500", "2026-11-01 02:00:00 -0500")
	nexts(t, cron(t, "*/20 * * * *", ny), instant(t, "2026-11-01 00:50", ny), "2026-11-01 01:00:00 -0400", "2026-11-01 01:20:00 -0400",
		"2026-11-01 01:40:00 -0400", "2026-11-01 01:00:00 -0500", "2026-11-01 01:20:00 -0500")
}

// What comes at an interval goes on through a repeated hour, as with Cronos, Quartz.NET
// and cronie; what has a time of day comes once.
func TestAStarOrAStepInTheMinutesRunsInBothPassesOfARepeatedHour(t *testing.T) {
	ny := location(t, "America/New_York")
	hour := instant(t, "2026-11-01 00:59:59", ny)
	for line, want := range map[string][2]int{ // slots from 1:00 to 2:00, over both passes: by default, and once
		"*/20 1 * * *": {6, 3}, "*/5 0-5 * * *": {24, 12}, "* 1 * * *": {120, 60}, "0/30 1 * * *": {4, 2}, "10-50/20 1,3 * * *": {6, 3},
		"5,*/30 1 * * *": {6, 3}, "? 1 * * *": {120, 60}, "*/30 15 1 * * *": {4, 2},
		"0,20,40 1 * * *": {3, 3}, "0-3 1 * * *": {4, 4}, "30 */1 * * *": {2, 2}, "30 1-23/2 * * *": {1, 1}, "15 0 1 * * *": {1, 1},
	} {
		for i, opts := range [][]periodic.CronOption{nil, {periodic.RepeatOnce}, {periodic.RepeatBoth}} {
			s, n := cron(t, line, ny, opts...), 0
			for at := s.Next(hour); at.Before(hour.Add(2*time.Hour + time.Second)); at = s.Next(at) {
				n++
			}
			once := want[min(i, 1)]
			if i == 2 && !strings.Contains(line, "*/1 ") { // every hour: no policy
				once = 2 * want[1]
			}
			if n != once {
				t.Errorf("%v: %d slots, want %d", s, n, once)
			}
		}
	}
}

func TestMidnightThatDoesNotExistIsNotTheEnd(t *testing.T) {
	for zone, gap := range map[string]string{
		"America/Havana": "2026-03-08", "America/Santiago": "2026-09-06", "America/Sao_Paulo": "2018-11-04",
		"Asia/Beirut": "2026-03-29", "Africa/Cairo": "2026-04-24",
	} {
		loc := location(t, zone)
		s, err := periodic.DailyAt("00:00", loc)
		if err != nil {
			t.Fatal(err)
		}
		day := instant(t, gap+" 12:00", loc)
		eve, after := day.AddDate(0, 0, -1).Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
		nexts(t, s, day.AddDate(0, 0, -2), eve+" 00:00", gap+" 01:00", after+" 00:00")
	}
	santiago := location(t, "America/Santiago")
	nexts(t, cron(t, "0 0 * * SUN", santiago), instant(t, "2026-09-05 23:59:59", santiago), "2026-09-06 01:00", "2026-09-13 00:00")
}

func TestADayThatDoesNotExist(t *testing.T) {
	apia := location(t, "Pacific/Apia") // went over the date line and had no 30 December
	eve := instant(t, "2011-12-29 12:30", apia)
	nexts(t, cron(t, "0 12 * * *", apia), eve, "2011-12-31 00:00", "2011-12-31 12:00")
	nexts(t, cron(t, "0 0 * * *", apia), eve, "2011-12-31 00:00", "2012-01-01 00:00")
}
