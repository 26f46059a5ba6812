// Package policy compares what blocks ask before something goes on: rules, approvals, what must have passed, what is
// expected of tables. It tells where that became weaker, so that something may pass that would not have passed before. A plan
// is compared by it with what is recorded, and by `mlp diff` with another plan, so that both say the same.
package policy

// Compare works on policies as package plan keeps them: a map from a path to a canonical JSON value. It answers one question of
// each path that differs: can something pass now that would not have passed before? Where that is not so, or cannot be told,
// Weaker is empty.
//
//	path                     before → after                     Weaker
//	rule[recall]             "e.recall >= 0.8" → "… >= 0.7"      it holds more easily
//	rule[recall]             "e.recall >= 0.8" → absent          the rule is gone
//	rule[recall].severity    "fail" → "warn"                     it only warns
//	variable.min             0.8 → 0.7                           rule[recall] holds more easily
//	approval[risk].from      ["ann"] → ["ann", "bob"]            others may give it
//	approval[risk].when      absent → a condition                it is no longer always asked for
//	after                    ["check.a"] → absent                no longer waits for check.a
//	rollback.from            ["ann"] → absent                    anybody may roll back
//	keep                     absent → "30d"                      results are kept for a shorter time
//	protected_in_decisions   "refuse" → absent                   rows may be treated by protected columns
//
// A policy with a default (schema.PolicyDefault) is never told as absent: keep went from "90d" to "30d", protected_in_decisions from "refuse" to "allow".
//
// Conditions are compared by rule.Compare, each with the constants that it reads put in: a rule whose text is the same became
// weaker where the variable in it moved. A condition that says when an approval is asked for works the other way round: the
// stronger it is, the fewer releases need the approval. A rule that is gone makes nothing weaker if one under a new name is no
// weaker and as severe; neither does an approval, if one under a new name asks the same people in the same cases.
//
// Expectations of a check (`between = [0, 1]`) are configuration and not policy. Loosened (expect.go) judges them one attribute
// at a time: a wider range, more values allowed, a lower share of rows.

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Difference is one thing that a block asks otherwise. A value that is absent came or went; one that has a default is the default instead, unless
// the other side is that too.
type Difference struct {
	Path          string
	Before, After json.RawMessage
	Weaker        string // why it is weaker; empty if it is not, or cannot be told
}

// Compare lists what differs, by path. Parts of a rule or approval that came or went are told by the whole, and so is a
// value that is read by other conditions than before.
func Compare(before, after plan.Policy) []Difference {
	c := comparison{before, after}
	all := maps.Clone(before)
	if all == nil {
		all = plan.Policy{}
	}
	maps.Copy(all, after)
	var out []Difference
	for _, path := range slices.Sorted(maps.Keys(all)) {
		d := Difference{Path: path, Before: before[path], After: after[path]}
		if bytes.Equal(d.Before, d.After) || c.told(&d) {
			continue
		}
		d.Weaker = c.weaker(&d)
		d.withDefault()
		out = append(out, d)
	}
	return out
}

// withDefault puts the default in place of a value that is absent. Where it is written out on the other side, nothing but the writing differs, and absent
// says so.
func (d *Difference) withDefault() {
	value, ok := schema.PolicyDefault(d.Path)
	text := json.RawMessage(strconv.Quote(value))
	switch {
	case !ok || bytes.Equal(d.Before, text) || bytes.Equal(d.After, text):
	case d.Before == nil:
		d.Before = text
	case d.After == nil:
		d.After = text
	}
}

// Gone says what it means that a block of a kind is gone; empty if nothing that decided.
func Gone(kind string) string {
	switch kind {
	case "gate":
		return "it holds nothing any more"
	case "check":
		return "it finds nothing any more"
	}
	return ""
}

// comparison is of the policy of one block, by path: "rule[good].assert".
type comparison struct{ before, after plan.Policy }

// told reports whether another difference says as much as d, so that d is left out of the list. That is so of
//
//	rule[r].severity    where the whole of rule[r] came or went; a new rule that only warns is listed all the same
//	approval[a].when    where approval[a].from came or went
//	variable.min        where it has a value on one side only: the conditions that read it differ too
func (c comparison) told(d *Difference) bool {
	if isValue(d.Path) {
		return d.Before == nil || d.After == nil
	}
	whole, part, ok := cutPart(d.Path)
	if !ok || part == "from" || part == "verified_by" {
		return false
	}
	if strings.HasPrefix(whole, "approval[") {
		whole += ".from"
	}
	came := c.before[whole] == nil
	return c.after[whole] == nil || came && (part == "message" || part == "severity" && string(d.After) == `"fail"`)
}

// isValue reports whether a path is that of a value that conditions read, such as variable.min.
func isValue(path string) bool {
	return strings.HasPrefix(path, "variable.") || strings.HasPrefix(path, "local.") || strings.HasPrefix(path, "each.")
}

// cutPart splits rule[NAME].severity; a name may have anything in it.
func cutPart(path string) (whole, part string, ok bool) {
	i := strings.LastIndex(path, "].")
	if i < 0 || !slices.Contains([]string{"severity", "message", "from", "when", "verified_by"}, path[i+2:]) {
		return path, "", false
	}
	return path[:i+1], path[i+2:], true
}

// weaker says in which way a difference lets more pass: "it only warns"; empty if it does not, or if that cannot be told.
func (c comparison) weaker(d *Difference) string {
	whole, part, has := cutPart(d.Path)
	switch {
	case isValue(d.Path):
		return c.moved(d.Path)
	case strings.HasPrefix(d.Path, "rule[") && !has:
		return c.rule(d)
	case part == "severity" && strings.HasPrefix(d.Path, "rule["):
		return severity(d.Before, d.After)
	case part == "from":
		return c.from(whole, d)
	case part == "when":
		return c.when(whole, d)
	case d.Path == "champion" && d.After == nil:
		return "nothing live is compared with any more"
	case d.Path == "champion" && d.Before != nil:
		return "what is live elsewhere is compared with"
	case d.Path == "after", d.Path == "requires":
		return lost("no longer waits for ", d)
	case d.Path == "rollback.from" && d.Before != nil && d.After == nil:
		return "anybody may roll back"
	case d.Path == "rollback.from" && d.Before != nil && len(missing(d.After, d.Before)) > 0:
		return "others may roll back"
	case d.Path == "rollback.rules":
		return lost("what is brought back is no longer held to ", d)
	case part == "verified_by":
		return lost("no longer verified by ", d)
	case d.Path == schema.ProtectedInDecisions && string(d.Before) == `"`+schema.Refuse+`"`:
		return "rows may be treated by protected columns"
	case d.Path == schema.Keep:
		before, _ := c.before.Keep()
		after, _ := c.after.Keep()
		if after < before {
			return "results are kept for a shorter time"
		}
	}
	return ""
}

// severity says that what failed before is a warning after.
func severity(before, after json.RawMessage) string {
	if len(before) > 0 && string(before) != `"warn"` && string(after) == `"warn"` {
		return "it only warns"
	}
	return ""
}

// rule judges a condition that differs, or is gone.
func (c comparison) rule(d *Difference) string {
	switch {
	case d.Before == nil:
		return ""
	case d.After == nil && c.renamed(d.Path):
		return ""
	case d.After == nil:
		return "the rule is gone"
	case c.shift(d.Path, d.Path).Weaker:
		return "it holds more easily"
	}
	return ""
}

// renamed reports whether a rule goes on under another name, as severe and no weaker.
func (c comparison) renamed(path string) bool {
	for other := range c.after {
		if !isRule(other) || c.before[other] != nil || string(c.after[other+".severity"]) == `"warn"` && string(c.before[path+".severity"]) != `"warn"` {
			continue
		}
		if s := c.shift(path, other); !s.Weaker && !s.Other {
			return true
		}
	}
	return false
}

func isRule(path string) bool {
	_, _, part := cutPart(path)
	return strings.HasPrefix(path, "rule[") && !part
}

// shift compares a condition of before with one of after, each with what it reads.
func (c comparison) shift(from, to string) rule.Shift {
	return rule.Compare(condition(c.before, from), condition(c.after, to))
}

func condition(p plan.Policy, path string) rule.Condition {
	var s string
	_ = json.Unmarshal(p[path], &s) // one that is no text compares as the empty one
	return rule.Condition{Text: s, Known: p}
}

// when compares the condition that an approval is asked for under. Fewer cases are weaker, other ones may be: both are told.
func (c comparison) when(whole string, d *Difference) string {
	switch {
	case d.After == nil, c.before[whole+".from"] == nil:
		return ""
	case d.Before == nil:
		return "it is no longer always asked for"
	}
	if s := c.shift(d.Path, d.Path); s.Stronger || s.Other {
		return "it is asked for in other cases"
	}
	return ""
}

// from compares who may give an approval. One that was renamed, with the same people and the same condition, is not gone.
func (c comparison) from(whole string, d *Difference) string {
	switch {
	case d.Before == nil:
		return ""
	case d.After == nil:
		for path := range c.after { // under another name
			other, part, _ := cutPart(path)
			if part == "from" && c.before[path] == nil && bytes.Equal(c.after[path], d.Before) && bytes.Equal(c.after[other+".when"], c.before[whole+".when"]) {
				return ""
			}
		}
		return "the approval is gone"
	}
	if len(missing(d.After, d.Before)) > 0 {
		return "others may give it"
	}
	return ""
}

// moved says which condition holds more easily, or is asked for in other cases, because of another value.
func (c comparison) moved(path string) string {
	for _, p := range slices.Sorted(maps.Keys(c.before)) {
		_, part, _ := cutPart(p)
		asked := strings.HasPrefix(p, "approval[") && part == "when"
		if !asked && !isRule(p) || !bytes.Equal(c.before[p], c.after[p]) || !strings.Contains(string(c.before[p]), path) {
			continue
		}
		s := c.shift(p, p)
		if !asked && s.Weaker {
			return p + " holds more easily"
		}
		if asked && (s.Stronger || s.Other) {
			return strings.TrimSuffix(p, ".when") + " is asked for in other cases"
		}
	}
	return ""
}

// lost names what a list had.
func lost(words string, d *Difference) string {
	if gone := missing(d.Before, d.After); len(gone) > 0 {
		return words + strings.Join(gone, ", ")
	}
	return ""
}

// missing are the elements of a list that another has not.
func missing(of, in json.RawMessage) []string {
	var a, b []string
	if json.Unmarshal(of, &a) != nil || len(in) > 0 && json.Unmarshal(in, &b) != nil {
		return nil
	}
	return slices.DeleteFunc(a, func(x string) bool { return slices.Contains(b, x) })
}
