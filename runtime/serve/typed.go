package serve

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// What a type holds. A request's value is held to the column's declared type as a value in a file is, so that a model is asked nothing
// that it cannot have learnt: a whole number to the type's range, a decimal to its digits, a date to a day, a time stamp to the places of
// the type. A float is rounded as the table that the model was fitted on has it: 0.1 as a float is 0.100000001490116.

// decimalOf is the size of a decimal: of decimal(10,2) 10 digits, 2 of them after the point; false for other types.
func decimalOf(columnType string) (width, scale int, ok bool) {
	if !strings.HasPrefix(columnType, "decimal(") { // of each feature of each request: Sscanf is slow
		return 0, 0, false
	}
	n, err := fmt.Sscanf(columnType, "decimal(%d,%d)", &width, &scale)
	return width, scale, n == 2 && err == nil
}

// fitsDecimal says why a number is none of a decimal's.
func fitsDecimal(text, columnType string, width, scale int) error {
	whole, places := digits(text)
	switch {
	case whole > width-scale:
		return fmt.Errorf("%s is out of the range of %s", shorten(text), columnType)
	case places > scale:
		return fmt.Errorf("%s has more than the %d places of %s", shorten(text), scale, columnType)
	}
	return nil
}

// digits are how many a JSON number has before its point and after, without zeros that say nothing: of 012.50e1 three and none.
// Of 1e400 it is 401 and none, without a number of that size being made.
func digits(text string) (whole, places int) {
	mantissa, exponent := strings.TrimPrefix(text, "-"), 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		n, err := strconv.Atoi(mantissa[i+1:])
		if err != nil { // beyond all that is held; which way its sign says
			n = math.MaxInt32
			if mantissa[i+1] == '-' {
				n = -n
			}
		}
		mantissa, exponent = mantissa[:i], n
	}
	before, after, _ := strings.Cut(mantissa, ".")
	all := strings.TrimLeft(before+after, "0")
	if all == "" {
		return 0, 0
	}
	point := len(all) - len(after) + exponent // of the digits, how many stand before the point
	return max(0, point), max(0, len(strings.TrimRight(all, "0"))-point)
}

// asFloat is a number as a column of 32 bits has it.
func asFloat(text string, n float64) (float64, error) {
	if f := float64(float32(n)); !math.IsInf(f, 0) {
		return f, nil
	}
	return 0, fmt.Errorf("%s is out of the range of float", shorten(text))
}

// momentLayouts are the forms of ISO 8601 that are read, the most usual first; all take a fraction of a second.
var momentLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00", time.DateOnly}

// parseTime gives a date or time stamp of the column's type in seconds since 1970 in UTC. Without a zone it is UTC.
func parseTime(columnType, text string) (float64, error) {
	for _, layout := range momentLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if err := fitsTime(columnType, layout, t); err != nil {
			return 0, fmt.Errorf("%q %w", shorten(text), err)
		}
		return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
	}
	return 0, fmt.Errorf("expected a date or time in ISO 8601, got %q", shorten(text))
}

// fitsTime says why a time is none of a type's.
func fitsTime(columnType, layout string, t time.Time) error {
	const day = 24 * 60 * 60
	if _, offset := t.Zone(); offset <= -day || offset >= day {
		return errors.New("is a day or more from UTC")
	}
	if t.Year() < 1 {
		return errors.New("is before the year 1")
	}
	places := int(time.Microsecond)
	if columnType == "timestamp_ns" {
		places = int(time.Nanosecond)
		if t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64)) {
			return errors.New("is out of the range of timestamp_ns")
		}
	}
	switch u := t.UTC(); {
	case columnType == "date" && layout != time.DateOnly && !u.Equal(u.Truncate(day*time.Second)):
		return errors.New("is a time of a day, and the column is of dates")
	case t.Nanosecond()%places != 0:
		return fmt.Errorf("has more places than %s", columnType)
	}
	return nil
}
