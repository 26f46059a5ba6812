package render

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// How a change is shown. A reviewer must see what differs, and never two texts that look alike:
//
//	100 → 200                                                    what is short stands whole
//	… where amount > 0 and country = '… → … where amount > 1 …   of long texts what differs, with 16 characters around
//	+ c  - a                                                     of long lists what came and went
//	the same in another order                                    of a list with the same elements
//	1 → 1.0000000001                                             of numbers that round to one text all digits
//	the same with other white space                              of texts that differ in nothing else
//
// Texts of several lines, such as queries, are shown line by line below (Change).

// LongestValue is how many characters of a value are shown.
const LongestValue = 60

// ChangeText writes a value before and after in one line. Of long texts and lists only what differs is shown. Where the two values
// differ, what is shown of them differs too.
func ChangeText(before, after json.RawMessage) string {
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil && len(before)+len(after) > LongestValue {
		return listChange(a, b, false)
	}
	x, y := valueChange(before, after)
	return x + " → " + y
}

// valueChange is how two values are shown beside each other. If they differ, so do the two texts: where both would look
// alike once they are rounded or cut, they are shown exactly.
func valueChange(before, after json.RawMessage) (string, string) {
	var a, b string
	if json.Unmarshal(before, &a) == nil && json.Unmarshal(after, &b) == nil && string(before) != "null" && string(after) != "null" {
		t := TextChange(a, b)
		return t[0], t[1]
	}
	x, y := DataText(before), DataText(after)
	if x == y && !bytes.Equal(before, after) { // alike but for rounding, quotes or what is cut away
		t := TextChange(exact(before), exact(after))
		return t[0], t[1]
	}
	return x, y
}

// exact is a value as its JSON has it: a number with all digits, a text in quotes.
func exact(v json.RawMessage) string {
	if len(v) == 0 {
		return "absent"
	}
	return string(v)
}

// TextChange is two texts, cut to where they differ before they are cleaned: a difference far behind is not cut away.
func TextChange(a, b string) [2]string {
	x, y := strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " ")
	if x == y && a != b {
		return [2]string{Clipped(Line(x), LongestValue), "the same with other white space"}
	}
	x, y = narrow(x, y, LongestValue)
	return distinct(x, y, Line)
}

// distinct cleans two texts. Those that differ and look the same then, since one has a character that cannot be seen and the
// other the words that stand for it, are shown as literals.
func distinct(a, b string, clean func(string) string) [2]string {
	x, y := clean(a), clean(b)
	if strings.TrimRight(x, " ") == strings.TrimRight(y, " ") && a != b {
		x, y = literal(a), literal(b)
	}
	return [2]string{x, y}
}

// literal is a text in quotes, with every character that is not plain, and every blank behind another, by its number.
func literal(s string) string {
	return strings.NewReplacer("  ", ` \x20`, "##", `#\x23`).Replace(strconv.QuoteToASCII(s))
}

// listChange names what a list gained and lost; if that is nothing, its order differs. Texts of several lines that
// stand for each other are left out where their lines are shown. ["a", "b"] that became ["b", "c"] is "+ c  - a".
func listChange(a, b []json.RawMessage, linesShown bool) string {
	gained, lost := gainedAndLost(a, b)
	if len(gained)+len(lost) == 0 {
		return "the same in another order"
	}
	more, less := make([]string, 0, len(gained)), make([]string, 0, len(lost))
	partners := partners(gained, lost)
	taken := map[int]string{}
	for i, v := range lost {
		j := partners[i]
		if j < 0 {
			less = append(less, Value(v))
			continue
		}
		x, y := valueChange(v, gained[j])
		if taken[j] = y; linesShown && len(changedTexts(v, gained[j])) > 0 {
			taken[j] = ""
			continue
		}
		less = append(less, x)
	}
	for j, v := range gained {
		if text, ok := taken[j]; !ok {
			more = append(more, Value(v))
		} else if text != "" {
			more = append(more, text)
		}
	}
	var parts []string
	if len(more) > 0 {
		parts = append(parts, "+ "+Named(more))
	}
	if len(less) > 0 {
		parts = append(parts, "- "+Named(less))
	}
	return strings.Join(parts, "  ")
}

// gainedAndLost are the elements of one list that the other has not, or has fewer times, each once, in the order of their list.
func gainedAndLost(a, b []json.RawMessage) (gained, lost []json.RawMessage) {
	count := map[string]int{}
	for _, v := range a {
		count[string(v)]--
	}
	for _, v := range b {
		count[string(v)]++
	}
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
	return gained, lost
}

// mostPaired is how many elements of a list are compared each with each.
const mostPaired = 64

// partners says for each element that a list lost, which gained one stands for it: one of which it is an edit, else one that has
// several lines too or would look the same, else, where there are as many, the one at its place; -1 for none.
func partners(gained, lost []json.RawMessage) []int {
	out, taken := make([]int, len(lost)), make([]bool, len(gained))
	for i := range out {
		out[i] = -1
	}
	pair := func(fits func(a, b json.RawMessage) bool) {
		for i := range lost {
			for j := range gained {
				if out[i] < 0 && !taken[j] && fits(lost[i], gained[j]) {
					out[i], taken[j] = j, true
				}
			}
		}
	}
	if len(gained) <= mostPaired && len(lost) <= mostPaired {
		pair(alike)
		pair(func(a, b json.RawMessage) bool { // a script that was written anew
			var x, y string
			return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && severalLines(x) && severalLines(y)
		})
		pair(func(a, b json.RawMessage) bool { return Value(a) == Value(b) })
	}
	if len(gained) != len(lost) {
		return out
	}
	for i := range lost {
		if out[i] < 0 {
			out[i] = slices.Index(taken, false)
			taken[out[i]] = true
		}
	}
	return out
}

// alike reports whether one of two long texts is the other edited: half of it, or of its lines, is the same.
func alike(a, b json.RawMessage) bool {
	var x, y string
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil || len(x) <= LongestValue/2 || len(y) <= LongestValue/2 {
		return false
	}
	front := 0
	for front < min(len(x), len(y)) && x[front] == y[front] {
		front++
	}
	back := 0
	for back < min(len(x), len(y))-front && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	if 2*(front+back) >= max(len(x), len(y)) {
		return true
	}
	lines, same := map[string]bool{}, 0
	for _, line := range strings.Split(x, "\n") {
		lines[line] = true
	}
	all := strings.Split(y, "\n")
	for _, line := range all {
		if lines[line] {
			same++
		}
	}
	return 2*same >= max(len(all), strings.Count(x, "\n")+1)
}

// narrow cuts two texts, of which one is longer than most code points, to where they differ, with a little of what stands around it.
func narrow(a, b string, most int) (string, string) {
	const around = 16
	x, y := []rune(a), []rune(b)
	if len(x) <= most && len(y) <= most {
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
	return piece(x, from > 0, cut, 2*most), piece(y, from > 0, cut, 2*most)
}

// piece cuts runes that both values end in, and all beyond most, and marks with … where something was cut.
func piece(r []rune, front bool, cut, most int) string {
	r = slices.Clone(r[:len(r)-cut])
	back := cut > 0
	if len(r) > most {
		r, back = r[:most], true
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
