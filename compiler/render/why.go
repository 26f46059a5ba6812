package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// causeText says what differs, in a line.
func causeText(address string, c plan.Cause) string {
	switch c.Kind {
	case plan.ConfigCause, plan.MetadataCause, plan.PolicyCause:
		switch {
		case c.Path == "champion.model":
			return fmt.Sprintf("champion of %s, live at %s  %s → %s", address, clean(c.From), shortOrNone(c.Before), shortOrNone(c.After))
		case c.Path == "" && len(c.After) == 0:
			return address + " is gone"
		case c.Path == "":
			return fmt.Sprintf("configuration of %s  %s", address, changeText(c.Before, c.After))
		}
		return fmt.Sprintf("%s of %s  %s", clean(c.Path), address, changeText(c.Before, c.After))
	case plan.DataCause:
		return fmt.Sprintf("data of %s  %s → %s%s", address, dataText(c.Before), dataText(c.After), filesChanged(c.After))
	case plan.ImageCause:
		return fmt.Sprintf("image %s of %s  %s → %s", clean(c.Path), address, shortID(c.Before), shortID(c.After))
	case plan.ComponentCause:
		if c.Path == "engine" {
			return fmt.Sprintf("engine of %s  %s → %s", address, Value(c.Before), Value(c.After))
		}
		return fmt.Sprintf("component of %s  version %s → %s", address, Value(c.Before), Value(c.After))
	case plan.WiringCause:
		return fmt.Sprintf("%s of %s  %s → %s", clean(c.Path), address, wired(c.Before), wired(c.After))
	case plan.NeverRanCause:
		return address + " never ran"
	case plan.ForcedCause:
		return address + " is forced to run"
	case plan.LostCause:
		return "the result of " + address + " is gone from the store"
	case plan.InputCause:
		return fmt.Sprintf("%s of %s  has other content since %s ran", clean(c.Path), address, clean(c.From))
	case plan.SchemaCause:
		if c.Path == "" {
			return "the schema of what flows into " + address
		}
		return fmt.Sprintf("%s of %s  has other columns, types or marks, or has them in another order", clean(c.Path), address)
	case plan.MovedCause:
		return fmt.Sprintf("%s was %s", address, Value(c.Before))
	case plan.AcceptedCause:
		return fmt.Sprintf("definition of %s  %s → %s", address, shortDigest(c.Before), shortDigest(c.After))
	case plan.OutputCause:
		return fmt.Sprintf("%s of %s  %s → %s", clean(c.Path), address, Value(c.Before), Value(c.After))
	}
	return clean(string(c.Kind)) + " of " + address
}

// shortOrNone is the short form of a model's digest.
func shortOrNone(v json.RawMessage) string {
	if len(v) == 0 {
		return "none"
	}
	return shortDigest(v)
}

// Value writes a JSON value briefly: numbers and strings as they are, long ones cut.
func Value(v json.RawMessage) string { return clipped(clean(fullValue(v)), longestValue) }

// fullValue is a JSON value as Value shows it, all of it and as the user wrote it.
func fullValue(v json.RawMessage) string {
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

func dataText(v json.RawMessage) string {
	var d struct {
		Files  int
		Bytes  int64
		Digest plan.Digest
	}
	if json.Unmarshal(v, &d) != nil || d.Digest == "" {
		return Value(v)
	}
	return fmt.Sprintf("%d %s, %d bytes (%s)", d.Files, plural(d.Files, "file", "files"), d.Bytes, clean(d.Digest.Short()))
}

func shortDigest(v json.RawMessage) string { return clean(plan.Digest(Value(v)).Short()) }

// filesChanged names the files that differ, as far as the plan has them.
func filesChanged(v json.RawMessage) string {
	var d struct{ Added, Changed, Removed []string }
	if json.Unmarshal(v, &d) != nil {
		return ""
	}
	var parts []string
	for _, x := range []struct {
		word  string
		files []string
	}{{"changed", d.Changed}, {"added", d.Added}, {"removed", d.Removed}} {
		if len(x.files) > 0 {
			parts = append(parts, x.word+" "+strings.Join(shortened(cleaned(x.files), 4), ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// wired is where an input comes from; "" is nowhere yet.
func wired(v json.RawMessage) string {
	if s := Value(v); s != "" {
		return s
	}
	return "absent"
}

func shortID(v json.RawMessage) string {
	id := []rune(strings.TrimPrefix(Value(v), "sha256:"))
	return string(id[:min(12, len(id))])
}

// Duration writes a duration for people: "0.4 s", "12 s", "4 m 10 s".
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
}
