package render

import (
	"encoding/json"
	"slices"
	"strings"
)

// LongestValue is how many characters of a value are shown.
const LongestValue = 60

// ChangeText writes a value before and after. Of long texts and lists only what differs is shown.
func ChangeText(before, after json.RawMessage) string {
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil && len(before)+len(after) > LongestValue {
		return listChange(a, b)
	}
	var x, y string
	if json.Unmarshal(before, &x) == nil && json.Unmarshal(after, &y) == nil {
		return strings.Join(TextChange(x, y), " → ")
	}
	return DataText(before) + " → " + DataText(after)
}

// TextChange is two texts, cut to where they differ before they are cleaned: a difference far behind is not cut away.
func TextChange(a, b string) []string {
	x, y := strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " ")
	if x == y && a != b {
		return []string{Clipped(Line(x), LongestValue), "the same with other white space"}
	}
	x, y = narrow(x, y)
	return []string{Line(x), Line(y)}
}

// listChange names what a list gained and lost; if that is nothing, its order differs.
func listChange(a, b []json.RawMessage) string {
	count := map[string]int{}
	for _, v := range a {
		count[string(v)]--
	}
	for _, v := range b {
		count[string(v)]++
	}
	var gained, lost []json.RawMessage
	for _, v := range b {
		if k := string(v); count[k] > 0 {
			gained = append(gained, v)
			count[k] = 0
		}
	}
	for _, v := range a {
		if k := string(v); count[k] < 0 {
			lost = append(lost, v)
			count[k] = 0
		}
	}
	return gainedAndLost(gained, lost)
}

// gainedAndLost names elements. Of long texts that stand for each other, such as a script that was edited, what differs is
// shown.
func gainedAndLost(more, less []json.RawMessage) string {
	gained, lost := make([]string, len(more)), make([]string, len(less))
	for i, v := range more {
		gained[i] = Value(v)
	}
	for i, v := range less {
		lost[i] = Value(v)
		var x, y string
		if len(more) == len(less) && json.Unmarshal(v, &x) == nil && json.Unmarshal(more[i], &y) == nil {
			both := TextChange(x, y)
			lost[i], gained[i] = both[0], both[1]
		}
	}
	var parts []string
	if len(gained) > 0 {
		parts = append(parts, "+ "+Named(gained))
	}
	if len(lost) > 0 {
		parts = append(parts, "- "+Named(lost))
	}
	if len(parts) == 0 {
		return "the same in another order"
	}
	return strings.Join(parts, "  ")
}

// narrow cuts two long texts to where they differ, with a little of what stands around it.
func narrow(a, b string) (string, string) {
	const around = 16
	x, y := []rune(a), []rune(b)
	if len(x) <= LongestValue && len(y) <= LongestValue {
		return a, b
	}
	same := 0
	for same < len(x) && same < len(y) && x[same] == y[same] {
		same++
	}
	from := max(0, same-around)
	x, y = x[from:], y[from:]
	tail := 0
	for tail < len(x) && tail < len(y) && tail < len(x)-(same-from) && tail < len(y)-(same-from) && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	cut := max(0, tail-around)
	return piece(x, from > 0, cut), piece(y, from > 0, cut)
}

func piece(r []rune, front bool, cut int) string {
	r = slices.Clone(r[:len(r)-cut])
	back := cut > 0
	if len(r) > 2*LongestValue {
		r, back = r[:2*LongestValue], true
	}
	s := string(r)
	if front {
		s = "…" + s
	}
	if back {
		s += "…"
	}
	return s
}
