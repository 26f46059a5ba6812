package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// DiffLine is a line of the difference between two texts.
type DiffLine struct {
	Sign string // "-" only before, "+" only after, " " in both, "…" where lines that are in both are left out
	Text string // harmless, indented as it was; lines that differ look different
}

// Change writes a value before and after: what fits in one line, and, of texts of several lines that were edited, wherever in the
// value they stand, the lines that differ with those around them. Of a query of which one line was edited:
//
//	lines: 1 removed, 1 added
//	    select card, amount
//	    from payments
//	  - where amount > 0
//	  + where amount > 10
func Change(before, after json.RawMessage) (text string, lines []DiffLine) {
	edited := changedTexts(before, after)
	if len(edited) == 0 {
		return ChangeText(before, after), nil
	}
	removed, added := 0, 0
	for _, e := range edited {
		if len(lines) > 0 {
			lines = append(lines, DiffLine{Sign: "…"})
		}
		for _, l := range textLines(e[0], e[1]) {
			switch lines = append(lines, l); l.Sign {
			case "-":
				removed++
			case "+":
				added++
			}
		}
	}
	text = fmt.Sprintf("lines: %d removed, %d added", removed, added)
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil {
		if rest := listChange(a, b, true); rest != "" {
			text = rest + "; " + text
		}
	} else if x := edited[0]; len(edited) == 1 && strings.Join(strings.Fields(x[0]), " ") == strings.Join(strings.Fields(x[1]), " ") {
		text = "the same with other white space; " + text
	}
	return text, lines
}

// changedTexts are the texts of several lines in a value that differ, each before and after.
func changedTexts(before, after json.RawMessage) [][2]string {
	if bytes.Equal(before, after) || len(before) == 0 || len(after) == 0 {
		return nil
	}
	switch before[0] {
	case '"':
		var a, b string
		if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil && (severalLines(a) || severalLines(b)) {
			return [][2]string{{a, b}}
		}
	case '[':
		var a, b []json.RawMessage
		if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
			return nil
		}
		var out [][2]string
		gained, lost := gainedAndLost(a, b)
		for i, j := range partners(gained, lost) {
			if j >= 0 {
				out = append(out, changedTexts(lost[i], gained[j])...)
			}
		}
		return out
	case '{':
		var a, b map[string]json.RawMessage
		if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
			return nil
		}
		var out [][2]string
		for _, k := range slices.Sorted(maps.Keys(a)) {
			out = append(out, changedTexts(a[k], b[k])...)
		}
		return out
	}
	return nil
}

// severalLines reports whether a text has more than one line; a line break at its end makes none.
func severalLines(s string) bool { return strings.Contains(strings.TrimRight(s, "\n"), "\n") }

// textLines is the difference between two texts line by line.
func textLines(a, b string) []DiffLine {
	var out []DiffLine
	var removed, added []string
	flush := func() {
		out = append(out, changedLines(removed, added)...)
		removed, added = nil, nil
	}
	unified := string(diff.Diff("a", []byte(ended(a)), "b", []byte(ended(b))))
	if unified == "" { // they differ in the line break at the end
		return changedLines([]string{lastLine(a)}, []string{lastLine(b)})
	}
	for i, line := range strings.SplitAfter(unified, "\n") {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case i < 3 || line == "": // what is compared with what
		case line[0] == '@':
			if flush(); len(out) > 0 {
				out = append(out, DiffLine{Sign: "…"})
			}
		case line[0] == '-':
			if len(added) > 0 {
				flush()
			}
			removed = append(removed, line[1:])
		case line[0] == '+':
			added = append(added, line[1:])
		case line[0] == ' ':
			flush()
			out = append(out, DiffLine{" ", Clipped(codeLine(line[1:]), longestLine)})
		}
	}
	flush()
	return out
}

// ended is a text of which each line ends in a line break.
func ended(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// lastLine is the last line with its end, if it has one.
func lastLine(s string) string {
	body := strings.TrimRight(s, "\n")
	return s[strings.LastIndex(body, "\n")+1:]
}

// longestLine is how many characters of a line are shown.
const longestLine = 120

// changedLines are lines that stand for each other, those of the same place so that one sees where they differ.
func changedLines(removed, added []string) []DiffLine {
	minus, plus := make([]DiffLine, len(removed)), make([]DiffLine, len(added))
	for i, line := range removed {
		minus[i] = DiffLine{"-", Clipped(codeLine(line), longestLine)}
	}
	for i, line := range added {
		plus[i] = DiffLine{"+", Clipped(codeLine(line), longestLine)}
	}
	for i := range min(len(removed), len(added)) {
		x, y := narrow(removed[i], added[i], longestLine)
		both := distinct(x, y, codeLine)
		minus[i].Text, plus[i].Text = both[0], both[1]
	}
	return append(minus, plus...)
}

// codeLine makes a line of code harmless; how far it is indented stays.
func codeLine(s string) string {
	words := strings.TrimLeft(s, " \t")
	indent := strings.ReplaceAll(s[:len(s)-len(words)], "\t", "    ")
	return Clipped(indent, longestLine/2) + Line(words)
}

// CutLines leaves at most so many lines, and says how many there are more.
func CutLines(lines []DiffLine, most int) []DiffLine {
	if len(lines) <= most {
		return lines
	}
	most = max(most-1, 1)
	return append(slices.Clone(lines[:most]), DiffLine{"…", fmt.Sprintf("%d more lines", len(lines)-most)})
}
