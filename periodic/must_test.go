package periodic_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestMustPanicsWithTheNameOfThePackageOnWhatIsNoTime(t *testing.T) {
	for name, make := range map[string]func() periodic.Schedule{
		"cron":  func() periodic.Schedule { return periodic.MustCron("60 * * * *", nil) },
		"daily": func() periodic.Schedule { return periodic.MustDailyAt("24:00", nil) },
		"days":  func() periodic.Schedule { return periodic.MustCron("0 0 30 2 MON", nil, periodic.AndDays()) },
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.HasPrefix(said, "stead/periodic: ") {
					t.Errorf("%s: panics with %s", name, said)
				}
			}()
			t.Errorf("%s: made %v", name, make())
		}()
	}
	nexts(t, periodic.MustCron("0 9 13 * FRI", nil, periodic.AndDays()), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "2026-02-13 09:00", "2026-03-13 09:00", "2026-11-13 09:00")
	nexts(t, periodic.MustDailyAt("06:30", nil), time.Date(2026, 1, 1, 7, 0, 0, 0, time.UTC), "2026-01-02 06:30")
}
