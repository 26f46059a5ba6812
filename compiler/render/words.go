package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Columns is how wide a string stands on a terminal, counted in code points. Characters that a terminal draws two
// columns wide, as those of Chinese, count as one, so that columns with them are out of line and nothing else is wrong.
func Columns(s string) int { return utf8.RuneCountInString(s) }

// Pad adds blanks at the end up to a width in columns; a string that is as wide or wider is returned as it is.
func Pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-Columns(s))) }

// Clipped cuts a string to at most width code points, the last of which is then "…". width is at least 1.
func Clipped(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// Plural is one where n is 1, and many otherwise: Plural(0, "stage", "stages") is "stages". The number is not written.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Bytes is a size for people, in units of 1,024: "312 B", "1.4 GiB".
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// Counted is a number with its noun: "1 file", "3 files". The plural takes an s.
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// mostNamed is how many other needs are named in a line.
const mostNamed = 6

// Named joins names with commas. Beyond six it counts the rest: "a, b, c, d, e, f and 3 more".
func Named(names []string) string {
	if len(names) > mostNamed {
		return strings.Join(names[:mostNamed], ", ") + " and " + strconv.Itoa(len(names)-mostNamed) + " more"
	}
	return strings.Join(names, ", ")
}

// Shortened leaves out the middle of a list of more than most elements and puts "…" there: Shortened(a b c d e, 2) is a … e. The list is
// not changed; a short one is returned itself.
func Shortened(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	out := append([]string{}, list[:most/2]...)
	return append(append(out, "…"), list[len(list)-most/2:]...)
}

// Folded says of a sorted list of addresses how many trials of a block are in it, in the place of these: "30 trials of train.model".
func Folded(list []string) []string {
	var out []string
	for i := 0; i < len(list); {
		of, _ := address.Of(list[i])
		n := 1
		if OfTrial(list[i]) {
			for i+n < len(list) && address.Block(list[i+n]) == of && list[i+n] != of {
				n++
			}
		}
		if n > 1 {
			out = append(out, fmt.Sprintf("%d trials of %s", n, of))
		} else {
			out = append(out, list[i])
		}
		i += n
	}
	return out
}

// OfTrial reports whether an address is that of a trial.
func OfTrial(at string) bool {
	_, role := address.Of(at)
	return address.Role(role) == string(schema.TrialRole)
}

// TypeWord is a type in words if it is worth showing: not one that only repeats what the kind says.
func TypeWord(kind, typ string) string {
	if typ == kind {
		return ""
	}
	return strings.ReplaceAll(typ, "_", " ")
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
