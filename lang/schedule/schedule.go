// Package schedule says when something is due: cron expressions on the wall clock of a time zone, and the runs that were missed.
//
// An expression is that of cron(5): minute, hour, day of the month, month, day of the week, or one of @hourly, @daily, @weekly, @monthly, @yearly. It is parsed by
// robfig/cron. What that library leaves open is said here.
//
// Daylight saving. A wall clock that is put forward has no 02:30 on that day, and one that is put back has two. As with Vixie cron, an expression that names hours
// is due once on each of these days: at the moment the clock is put forward, and at the first of the two. One with * for the hour is due each time that its
// minute comes, since it asks for an interval.
//
// Missed runs. Who asks, asks for what is due between the last run and now: it is one run, of the latest time, however many were missed (Due).
package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every machine, also in an image without any

	"github.com/robfig/cron/v3"
)

// Schedule is when something is due.
type Schedule struct {
	spec  *cron.SpecSchedule
	zone  *time.Location
	hours bool // it names hours
}

// everyHour is the bit that robfig/cron sets in a field that is written as *.
const everyHour = 1 << 63

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads an expression, "0 3 * * 1", on the wall clock of a zone, "Europe/Berlin"; of none given it is UTC. An expression that is never due, as of the 30th of February, is an error.
func Parse(expression, zone string) (*Schedule, error) {
	location, err := Zone(zone)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(expression)
	switch fields := strings.Fields(text); {
	case text == "":
		return nil, fmt.Errorf("there is no expression")
	case strings.Contains(text, "TZ="):
		return nil, fmt.Errorf("the zone does not stand in the expression: write timezone")
	case strings.HasPrefix(text, "@every"):
		return nil, fmt.Errorf("@every says no time of day: write @hourly, or \"*/15 * * * *\" for each quarter of an hour")
	case !strings.HasPrefix(text, "@") && len(fields) != 5:
		return nil, fmt.Errorf("it has %d fields, and cron has five: minute, hour, day of the month, month, day of the week", len(fields))
	}
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("it says no time of day")
	}
	spec.Location = location
	s := &Schedule{spec: spec, zone: location, hours: spec.Hour&everyHour == 0}
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("no day fits it")
	}
	return s, nil
}

// Zone is a time zone by its name in the IANA database; of none given it is UTC. "Local", which is another zone on another machine, is none.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: write one of the IANA database, such as Europe/Berlin or UTC", name)
	}
	return location, nil
}

// Next is the first time after one at which it is due; zero if there is none.
func (s *Schedule) Next(after time.Time) time.Time {
	if !s.hours {
		return s.spec.Next(after.In(s.zone)).UTC()
	}
	wall := *s.spec
	wall.Location = time.UTC // where each day has 24 hours
	at := onWall(after.In(s.zone)).Add(-48 * time.Hour)
	for range 1000 {
		if at = wall.Next(at); at.IsZero() {
			return at
		}
		if due := s.instant(at); due.After(after) {
			return due.UTC()
		}
	}
	return time.Time{}
}

// onWall is what a wall clock shows, as if it were in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when a wall clock of the zone shows a time: for the first time where there are two, and when it is put forward over it where there is none.
func (s *Schedule) instant(wall time.Time) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(s.zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(s.zone).Zone()
	first := wall.Add(-time.Duration(max(before, after)) * time.Second) // by the clock that is further ahead, it is earlier
	if onWall(first.In(s.zone)).Equal(wall) {
		return first
	}
	last := wall.Add(-time.Duration(min(before, after)) * time.Second)
	if onWall(last.In(s.zone)).Equal(wall) {
		return last
	}
	// Between both the clock was put forward: at the first moment whose clock shows more.
	low, high := first.Add(-24*time.Hour), last
	for high.Sub(low) > time.Second {
		if mid := low.Add(high.Sub(low) / 2); onWall(mid.In(s.zone)).Before(wall) {
			low = mid
		} else {
			high = mid
		}
	}
	return high.Truncate(time.Second)
}

// Due is the latest time at which it was due after one and no later than another, and how many were due before that; zero if it was not.
func (s *Schedule) Due(after, now time.Time) (at time.Time, missed int) {
	for next := s.Next(after); !next.IsZero() && !next.After(now); next = s.Next(next) {
		if !at.IsZero() {
			missed++
		}
		at = next
		if missed == mostCounted {
			if last := s.Next(now.Add(-longAgo)); last.After(at) && !last.After(now) {
				at, next = last, last
			}
		}
	}
	return at, missed
}

// mostCounted is how many missed runs are counted before those of longAgo are passed over.
const (
	mostCounted = 10_000
	longAgo     = 366 * 24 * time.Hour
)
