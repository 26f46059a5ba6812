package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// CauseTexts says what differs at a block, a line for each cause, and one for all trials that it takes.
func CauseTexts(address string, causes []plan.Cause) []string {
	var out []string
	trials := 0
	for _, c := range causes {
		if c.Kind == plan.InputCause && OfTrial(c.From) {
			trials++
		} else {
			out = append(out, CauseText(address, c))
		}
	}
	if trials > 0 {
		out = append(out, fmt.Sprintf("%d %s of %s  come to something else, or may", trials, Plural(trials, "trial", "trials"), address))
	}
	return out
}

// CauseText says in a line what differs at a block: "params.trees of train.model  100 → 200". address is taken as it is; all else that
// users wrote is made harmless.
func CauseText(address string, c plan.Cause) string {
	// Each kind of cause has one form. One that is not known here, of a plan that a later version wrote, is named by its
	// kind.
	switch c.Kind {
	case plan.ConfigCause, plan.MetadataCause, plan.PolicyCause:
		switch {
		case c.Path == "champion.model":
			return fmt.Sprintf("champion of %s, live at %s  %s → %s", address, Line(c.From), shortOrNone(c.Before), shortOrNone(c.After))
		case c.Path == "" && len(c.After) == 0:
			return address + " is gone"
		case c.Path == "":
			return fmt.Sprintf("configuration of %s  %s", address, ChangeText(c.Before, c.After))
		}
		return fmt.Sprintf("%s of %s  %s", Line(c.Path), address, ChangeText(c.Before, c.After))
	case plan.DataCause:
		if before, after, ok := versions(c); ok {
			return fmt.Sprintf("version of %s  %s", Line(c.Path), ChangeText(before, after))
		}
		if text, ok := logText(c); ok {
			return fmt.Sprintf("data of %s  %s", address, text)
		}
		return fmt.Sprintf("data of %s  %s → %s%s", address, DataText(c.Before), DataText(c.After), filesChanged(c.After))
	case plan.ImageCause:
		return fmt.Sprintf("image %s of %s  %s", Line(c.Path), address, imageChange(c.Before, c.After))
	case plan.CodeCause:
		return codeText(address, c)
	case plan.ComponentCause:
		if c.Path == "engine" {
			return fmt.Sprintf("engine of %s  %s", address, ChangeText(c.Before, c.After))
		}
		return fmt.Sprintf("component of %s  version %s → %s", address, Value(c.Before), Value(c.After))
	case plan.WiringCause:
		return fmt.Sprintf("%s of %s  %s", Line(c.Path), address, wired(c.Before, c.After))
	case plan.NeverRanCause:
		return address + " never ran"
	case plan.AddedCause:
		return address + " is new, and its result is known"
	case plan.ForcedCause:
		return address + " is forced to run"
	case plan.LostCause:
		return "the result of " + address + " is gone from the store"
	case plan.InputCause:
		return fmt.Sprintf("%s of %s  has other content since %s ran", Line(c.Path), address, Line(c.From))
	case plan.SchemaCause:
		if c.Path == "" {
			return "the schema of what flows into " + address
		}
		return fmt.Sprintf("%s of %s  has other columns, types or marks, or has them in another order", Line(c.Path), address)
	case plan.MovedCause:
		return fmt.Sprintf("%s was %s", address, Value(c.Before))
	case plan.AcceptedCause:
		return fmt.Sprintf("definition of %s  %s → %s", address, shortDigest(c.Before), shortDigest(c.After))
	case plan.OutputCause:
		return fmt.Sprintf("%s of %s  %s", Line(c.Path), address, ChangeText(c.Before, c.After))
	}
	return Line(string(c.Kind)) + " of " + address
}

// CauseLines says what differs in a line, and of texts of several lines that were edited the lines themselves (Change).
func CauseLines(address string, c plan.Cause) (string, []DiffLine) {
	switch c.Kind {
	case plan.ConfigCause, plan.MetadataCause, plan.PolicyCause:
		if text, lines := Change(c.Before, c.After); len(lines) > 0 {
			return fmt.Sprintf("%s of %s  %s", cmp.Or(Line(c.Path), "configuration"), address, text), lines
		}
	}
	return CauseText(address, c), nil
}

// codeText says which file of code was edited, added or removed, and what its first other line was and is.
func codeText(address string, c plan.Cause) string {
	file := fmt.Sprintf("code of %s  %s", address, Line(c.Path))
	was, is := lineOf(c.Before), lineOf(c.After)
	switch {
	case was != nil && is != nil:
		text := TextChange(strings.TrimSpace(was.Text), strings.TrimSpace(is.Text))
		return fmt.Sprintf("%s line %d: %s → %s", file, is.Line, text[0], text[1])
	case is != nil:
		return fmt.Sprintf("%s line %d: + %s", file, is.Line, Clipped(Line(strings.TrimSpace(is.Text)), LongestValue))
	case was != nil:
		return fmt.Sprintf("%s line %d: - %s", file, was.Line, Clipped(Line(strings.TrimSpace(was.Text)), LongestValue))
	case len(c.Before) == 0:
		return file + " was added"
	case len(c.After) == 0:
		return file + " was removed"
	}
	return fmt.Sprintf("%s  %s → %s", file, shortDigest(c.Before), shortDigest(c.After))
}

// lineOf is a line of code; nil of a digest, or nothing.
func lineOf(v json.RawMessage) *plan.CodeLine {
	l := &plan.CodeLine{}
	if len(v) == 0 || json.Unmarshal(v, l) != nil || l.Line == 0 {
		return nil
	}
	return l
}

// imageChange is an image's version and the one that follows it, in full where the short ones are the same, as for another platform.
func imageChange(before, after json.RawMessage) string {
	var a, b string
	_, _ = json.Unmarshal(before, &a), json.Unmarshal(after, &b) // one that is absent or no text is not known
	x, y := ShortVersion(a), ShortVersion(b)
	switch {
	case a == "": // of a stage that was recorded before its image was an input
		x = "not recorded"
	case x == y:
		x, y = Line(a), Line(b)
	}
	return x + " → " + y
}

// shortOrNone is the short form of a model's digest.
func shortOrNone(v json.RawMessage) string {
	if len(v) == 0 {
		return "none"
	}
	return shortDigest(v)
}

// versions are those of what lies elsewhere; false of local files.
func versions(c plan.Cause) (before, after json.RawMessage, ok bool) {
	var a, b struct{ Version json.RawMessage }
	if json.Unmarshal(c.Before, &a) != nil || json.Unmarshal(c.After, &b) != nil || len(b.Version) == 0 {
		return nil, nil, false
	}
	return a.Version, b.Version, true
}

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
			parts = append(parts, x.word+" "+strings.Join(Shortened(Clean(x.files), 4), ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// wired is where an input came from and comes from; "" is nowhere yet.
func wired(before, after json.RawMessage) string {
	a, b := valueChange(before, after)
	return cmp.Or(a, "absent") + " → " + cmp.Or(b, "absent")
}
