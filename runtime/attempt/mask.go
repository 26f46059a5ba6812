package attempt

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// masker hides values in text, in all their forms. Nil is one for no values. It is an executor.Masker.
type masker struct{ forms []form } // longest first

// mask replaces the secrets in text; nil if there are none.
func (s *secrets) mask() *masker {
	if len(s.forms) == 0 {
		return nil
	}
	return &masker{s.forms}
}

// Hidden is a text with the names of secrets in place of their values, as logs show them. A secret that is not there is passed over, and so is one too short to be told
// from other text.
func Hidden(dir string, known []plan.Secret, text string) string {
	var m masker
	for _, k := range known {
		value, err := ReadSecret(dir, k)
		if err != nil || len(value) < minSecret {
			continue
		}
		for _, f := range forms(value) {
			m.forms = append(m.forms, form{f, k.Name})
		}
	}
	slices.SortFunc(m.forms, func(a, b form) int { return longest(a.text, b.text) })
	return m.Replace(text)
}

// escaped is how many bytes one byte of a form takes at most where programs escape it in one of the usual ways.
const escaped = 12

// Reach is that of the longest value, escaped.
func (m *masker) Reach() int { return escaped * len(m.forms[0].text) }

// Replace masks the values in a line of a log, in all forms. A line that holds one escaped in another way goes as a whole.
func (m *masker) Replace(line string) string {
	if m == nil {
		return line
	}
	return m.Hide(line, 0, len(line))
}

// Hide masks the values in text and returns what of that stands between two places: nothing of a value that lies across one of
// them. Of "token=open sesame" with the value open sesame it returns "token=(secret.door)" for the whole, and nothing for the part
// from 10 on, which begins within the value.
func (m *masker) Hide(text string, from, to int) string {
	found := m.find(text)
	whole := masked(text, found, 0, len(text))
	name := ""
	if decoded(whole, func(plain string) bool {
		i := within(m.forms, []byte(plain))
		if i >= 0 {
			name = m.forms[i].name
		}
		return i >= 0
	}) {
		return "(a line with secret." + name + ")"
	}
	if from == 0 && to == len(text) {
		return whole
	}
	return masked(text, found, from, to)
}

// span is a part of a text that shows a value, or several that overlap; the name is that of the first.
type span struct {
	from, to int
	name     string
}

// find returns where values stand, in order, none overlapping another.
func (m *masker) find(text string) []span {
	var all []span
	for _, f := range m.forms {
		for at := 0; ; {
			i := strings.Index(text[at:], f.text)
			if i < 0 {
				break
			}
			at += i
			all = append(all, span{at, at + len(f.text), f.name})
			at++ // a value may overlap itself
		}
	}
	slices.SortStableFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.from < out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// masked is a part of a text with names in place of values. A value that begins before it is told by whoever shows its beginning.
func masked(text string, found []span, from, to int) string {
	var out strings.Builder
	for _, s := range found {
		if s.to <= from {
			continue
		}
		if s.from >= to {
			break
		}
		if s.from >= from {
			out.WriteString(text[from:s.from])
			out.WriteString("(secret." + s.name + ")")
		}
		from = s.to
	}
	if from < to {
		out.WriteString(text[from:to])
	}
	return out.String()
}
