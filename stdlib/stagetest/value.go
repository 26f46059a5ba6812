package stagetest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// Value writes one value of a column as text: "null", "true", "0.25", "2026-03-01", "2026-03-01 08:30:00.5". Times are to the microsecond,
// in UTC.
func Value(c *frame.Column, row int) string {
	if c.Text() {
		if c.Codes[row] < 0 {
			return "null"
		}
		return c.Levels[c.Codes[row]]
	}
	v := c.Num[row]
	switch {
	case math.IsNaN(v):
		return "null"
	case c.Type == "boolean":
		return strconv.FormatBool(v != 0)
	case strings.HasPrefix(c.Type, "timestamp"):
		return time.UnixMicro(int64(math.Round(v * 1e6))).UTC().Format("2006-01-02 15:04:05.999999")
	case c.Type == "date":
		return time.Unix(int64(v), 0).UTC().Format(time.DateOnly)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
