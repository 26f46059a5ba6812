package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Value writes a JSON value briefly: numbers and strings as they are, long ones cut. It is one line, and clean; a
// string has no quotes, an absent value is "absent".
func Value(v json.RawMessage) string { return Clipped(Line(FullValue(v)), LongestValue) }

// FullValue is a JSON value as Value shows it, all of it and as the user wrote it.
func FullValue(v json.RawMessage) string {
	if len(v) == 0 {
		return "absent"
	}
	var s string
	if string(v) == "null" {
		return "null"
	}
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return number(b.String())
}

// number rounds to four significant digits what has more: figures are shown to be read; their full digits are in the JSON.
func number(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || len(s) <= 7 || f == float64(int64(f)) {
		return s
	}
	if math.Abs(f) >= 1000 {
		return strconv.FormatFloat(f, 'f', 0, 64) // no exponent for what people count in thousands
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// DataText writes a digest of files briefly, "3 files, 1200 bytes (ab12cd)"; any other value as Value does.
func DataText(v json.RawMessage) string {
	var d struct {
		Files  int
		Bytes  int64
		Digest plan.Digest
	}
	if json.Unmarshal(v, &d) != nil || d.Digest == "" {
		return Value(v)
	}
	return fmt.Sprintf("%d %s, %d bytes (%s)", d.Files, Plural(d.Files, "file", "files"), d.Bytes, Line(d.Digest.Short()))
}

// logText says of a log what came since it was read last: "+12,300 rows since 2026-11-30T07:14Z: 24,000 → 36,300 rows". False where the cause is of no log.
func logText(c plan.Cause) (string, bool) {
	var before, after struct {
		Rows, Came, Gone *int64
		Newest           string
	}
	if json.Unmarshal(c.Before, &before) != nil || json.Unmarshal(c.After, &after) != nil || before.Rows == nil || after.Came == nil || after.Gone == nil {
		return "", false
	}
	text := "+" + humanize.Comma(*after.Came) + " rows since " + Line(before.Newest)
	if *after.Gone > 0 {
		text += ", " + humanize.Comma(*after.Gone) + " no longer kept"
	}
	return fmt.Sprintf("%s: %s → %s rows", text, humanize.Comma(*before.Rows), humanize.Comma(*after.Rows)), true
}

// shortDigest is a digest that stands in JSON, in short.
func shortDigest(v json.RawMessage) string { return Line(plan.Digest(Value(v)).Short()) }

// ShortVersion is the version of what lies elsewhere: of an image the first 12 characters of its ID, without "sha256:", as docker shows it;
// of all else as it is.
func ShortVersion(version string) string {
	id, ok := strings.CutPrefix(version, "sha256:")
	switch {
	case version == "":
		return "not known yet"
	case !ok:
		return Line(version)
	}
	return Line(string([]rune(id)[:min(12, len([]rune(id)))]))
}
