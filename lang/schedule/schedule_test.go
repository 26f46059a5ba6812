package schedule

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNext(t *testing.T) {
	tests := map[string]struct {
		expression, zone, after string
		want                    []string // one after the other
	}{
		"mondays at three":            {"0 3 * * 1", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2026-01-05T02:00:00Z", "2026-01-12T02:00:00Z"}},
		"in summer an hour earlier":   {"0 3 * * 1", "Europe/Berlin", "2026-07-01T00:00:00Z", []string{"2026-07-06T01:00:00Z"}},
		"UTC without a zone":          {"30 4 * * *", "", "2026-01-01T04:30:00Z", []string{"2026-01-02T04:30:00Z"}},
		"by a name":                   {"@daily", "America/New_York", "2026-01-01T12:00:00Z", []string{"2026-01-02T05:00:00Z"}},
		"names of days":               {"0 0 * * sun", "", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z"}},
		"put forward over it":         {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		"put forward, and due at it":  {"0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
		"put back over it":            {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"an interval goes on":         {"30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}},
		"an interval, put forward":    {"30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
		"put forward in the west":     {"15 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", []string{"2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"}},
		"put back in the west":        {"15 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"}},
		"put forward by half an hour": {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", []string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		"put forward at midnight":     {"30 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", []string{"2026-04-23T22:00:00Z", "2026-04-24T21:30:00Z"}},
		"leap days":                   {"0 0 29 2 *", "", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(tt.expression, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			after := at(t, tt.after)
			for _, want := range tt.want {
				got := s.Next(after)
				if !got.Equal(at(t, want)) {
					t.Fatalf("after %s: got %s, want %s", after, got, want)
				}
				after = got
			}
		})
	}
}

// TestOnceADay: an expression of one time of day is due once on each day of a wall clock, over years, in zones of all habits.
func TestOnceADay(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Asia/Kathmandu", "Europe/London", "Africa/Casablanca"} {
		for _, expression := range []string{"0 0 * * *", "30 0 * * *", "30 1 * * *", "30 2 * * *", "59 23 * * *"} {
			s, err := Parse(expression, zone)
			if err != nil {
				t.Fatal(err)
			}
			location, _ := Zone(zone)
			days := map[string]bool{}
			next := s.Next(time.Date(2023, 12, 31, 23, 59, 30, 0, location))
			for ; next.In(location).Year() < 2027; next = s.Next(next) {
				day := next.In(location).Format(time.DateOnly)
				if days[day] {
					t.Fatalf("%s in %s: twice on %s", expression, zone, day)
				}
				days[day] = true
			}
			if len(days) != 366+365+365 {
				t.Errorf("%s in %s: due on %d days, want each of 1096", expression, zone, len(days))
			}
		}
	}
}

func TestDue(t *testing.T) {
	s, err := Parse("0 3 * * *", "")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		after, now, want string // "": not due
		missed           int
	}{
		"not yet":       {"2026-01-01T03:00:00Z", "2026-01-02T02:59:59Z", "", 0},
		"on the minute": {"2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z", "2026-01-02T03:00:00Z", 0},
		"late":          {"2026-01-01T03:00:00Z", "2026-01-02T14:00:00Z", "2026-01-02T03:00:00Z", 0},
		"a week missed": {"2026-01-01T03:00:00Z", "2026-01-08T14:00:00Z", "2026-01-08T03:00:00Z", 6},
		"going back":    {"2026-01-01T03:00:00Z", "2025-12-01T03:00:00Z", "", 0},
		"never seen to": {"0001-01-01T00:00:00Z", "2026-01-02T14:00:00Z", "2026-01-02T03:00:00Z", -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, missed := s.Due(at(t, tt.after), at(t, tt.now))
			if tt.want == "" != got.IsZero() || tt.want != "" && !got.Equal(at(t, tt.want)) || tt.missed >= 0 && missed != tt.missed {
				t.Errorf("got %s, %d missed; want %s, %d", got, missed, tt.want, tt.missed)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for expression, why := range map[string]string{
		"": "no expression", "0 3 * *": "4 fields", "0 0 3 * * 1": "6 fields", "61 * * * *": "61", "@every 1h": "@hourly", "CRON_TZ=UTC 0 3 * * *": "timezone",
		"TZ=UTC 0 3 * * *": "timezone", "0 0 30 2 *": "no day", "@reboot": "@reboot", "mondays at three please ok": "mondays", "0 25 * * *": "25",
	} {
		if _, err := Parse(expression, ""); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: got %v, want %q in it", expression, err, why)
		}
	}
	for _, zone := range []string{"Local", "Berlin", "Europe/Berlinn", "../UTC"} {
		if _, err := Parse("@daily", zone); err == nil || !strings.Contains(err.Error(), "Europe/Berlin") {
			t.Errorf("zone %q: got %v", zone, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 3 * * 1", "@daily", "*/15 2-4,6 1 jan mon", "0 0 31 2 *"} {
		f.Add(s, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, expression, zone string) {
		s, err := Parse(expression, zone)
		if err != nil {
			return
		}
		begin := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
		if next := s.Next(begin); !next.IsZero() && !next.After(begin) {
			t.Errorf("%q in %q: due at %s after %s", expression, zone, next, begin)
		}
	})
}
