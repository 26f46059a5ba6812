package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Columns is how wide a string stands on a terminal, counted in code points.
func Columns(s string) int { return utf8.RuneCountInString(s) }

// Pad adds blanks up to a width.
func Pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-Columns(s))) }

// Clipped cuts a string to a width, visibly.
func Clipped(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// Plural is the one word or the other.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// mostNamed is how many other needs are named in a line.
const mostNamed = 6

// Named joins names with commas; of many it counts the rest.
func Named(names []string) string {
	if len(names) > mostNamed {
		return strings.Join(names[:mostNamed], ", ") + " and " + strconv.Itoa(len(names)-mostNamed) + " more"
	}
	return strings.Join(names, ", ")
}

// Shortened leaves out the middle of a long list.
func Shortened(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	out := append([]string{}, list[:most/2]...)
	return append(append(out, "…"), list[len(list)-most/2:]...)
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
