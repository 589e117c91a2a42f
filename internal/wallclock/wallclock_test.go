package wallclock_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones are the subject, so not whatever the machine has

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/wallclock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const layout = "2006-01-02 15:04:05"

func location(t *testing.T, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestFirstInstantIsTheEarliestThatShowsTheDigitsOrLaterOnes(t *testing.T) {
	for _, tc := range []struct{ zone, picture, want string }{
		{"UTC", "2026-03-08 02:30:00", "2026-03-08 02:30:00 +0000"},
		{"America/New_York", "2026-03-08 01:59:59", "2026-03-08 01:59:59 -0500"},
		{"America/New_York", "2026-03-08 02:30:00", "2026-03-08 03:00:00 -0400"}, // does not exist
		{"America/New_York", "2026-11-01 01:30:00", "2026-11-01 01:30:00 -0400"}, // comes twice
		{"America/St_Johns", "2010-11-07 00:00:00", "2010-11-07 00:00:00 -0230"},
		{"America/Havana", "2026-03-08 00:00:00", "2026-03-08 01:00:00 -0400"}, // a day without midnight
		{"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-31 00:00:00 +1400"},   // a day that was left out
		{"Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-05 01:45:00 +1100"},
		{"Antarctica/Troll", "2026-03-29 01:30:00", "2026-03-29 03:00:00 +0200"},
	} {
		picture, err := time.Parse(layout, tc.picture)
		if err != nil {
			t.Fatal(err)
		}
		at := wallclock.FirstInstant(picture, location(t, tc.zone))
		if got := at.Format(layout + " -0700"); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.zone, tc.picture, got, tc.want)
		}
		if seg := wallclock.At(at); tc.zone != "UTC" && (seg.Picture(at).Before(picture) || at.Before(seg.Start) || !at.Before(seg.End)) {
			t.Errorf("%s %s: %v shows %v in the segment %+v", tc.zone, tc.picture, at, seg.Picture(at), seg)
		}
	}
}

func TestTimeOfDay(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00:00": 0, "06:30": 6*time.Hour + 30*time.Minute, "23:59:59": 24*time.Hour - time.Second,
	} {
		if got, err := wallclock.TimeOfDay(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "6:30", "24:00", "06:60", "06:30:60", "noon", "06:30 ", "06:30:15.5", "-1:00"} {
		if got, err := wallclock.TimeOfDay(text); err == nil {
			t.Errorf("%q was accepted as %v", text, got)
		}
	}
}

func TestNoLocationIsUTC(t *testing.T) {
	if wallclock.OrUTC(nil) != time.UTC || wallclock.OrUTC(time.Local) != time.Local {
		t.Error("OrUTC changed a location, or did not")
	}
}
