package schema

import (
	"fmt"
	"strconv"
	"time"
)

// units of durations, the longest names first where one begins with another.
var units = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
}

// ParseDuration reads a duration such as "45d", "24h" or "1h30m". A day has 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	fail := fmt.Errorf("%q is no duration: write a number and a unit of ms, s, m, h, d, w, such as \"45d\" or \"1h30m\"", s)
	if s == "" {
		return 0, fail
	}
	var total time.Duration
	for rest := s; rest != ""; {
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		value, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, fail
		}
		rest = rest[n:]
		unit := time.Duration(0)
		for _, u := range units {
			if len(rest) >= len(u.name) && rest[:len(u.name)] == u.name {
				unit, rest = u.unit, rest[len(u.name):]
				break
			}
		}
		if unit == 0 || value*float64(unit) > float64(1<<62)-float64(total) {
			return 0, fail
		}
		total += time.Duration(value * float64(unit))
	}
	return total, nil
}
