package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// approvers adds diagnostics for approvals that are asked of nobody, or of a name that reads as another: people compare names by eye,
// and mlp by their letters.
func (c *checker) approvers() {
	for _, b := range c.m.Module.Blocks {
		if !b.TypeSpec.IsGate() {
			continue
		}
		var policy struct {
			Approval []struct {
				Name string
				From []string
			}
			Rule     []struct{ Name string }
			Rollback struct{ From, Rules []string }
		}
		c.must(json.Unmarshal(b.Policy, &policy))
		rules := make([]string, len(policy.Rule))
		for i, r := range policy.Rule {
			rules[i] = r.Name
		}
		c.rollback(b, policy.Rollback.From, policy.Rollback.Rules, rules)
		for _, a := range policy.Approval {
			c.approval(b, a.Name, a.From)
		}
	}
}

// approval tells what is wrong with the names that one approval is asked of.
// Whether the names are of anybody is not known here: a file of approvers belongs to the operator, and not to the
// module.
func (c *checker) approval(b *resolve.Block, name string, from []string) {
	path := "approval[" + name + "].from"
	tell := func(why, hint string) {
		c.add(source.Diagnostic{
			Severity: source.Error, Code: source.CodeApproverName, Subject: rangeOf(b, path),
			Summary: fmt.Sprintf("the approval %q of %s %s", name, b.Address, why), Hint: hint,
		})
	}
	if len(from) == 0 {
		tell("is asked of nobody, so that nothing can pass", `name people or groups: from = ["alice"]`)
	}
	for i, one := range from {
		switch why := unreadable(one); {
		case why != "":
			tell(fmt.Sprintf("is asked of %q, %s", one, why), "write the name as the person gives it to 'mlp approve --as'")
		case slices.Contains(from[:i], one):
			tell(fmt.Sprintf("is asked of %s twice", one), "one approval is given by one person; ask for a second one by another approval block")
		}
	}
}

// rollback tells what is wrong with what a gate asks of rollbacks: rules that it does not have, names that are none, or nothing at all.
// A block that asks for nothing is taken for one that was meant to, since it changes nothing by being there.
func (c *checker) rollback(b *resolve.Block, from, named, rules []string) {
	if at, there := b.Ranges["rollback"]; there && len(from)+len(named) == 0 {
		c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeRollbackRule, Subject: at,
			Summary: fmt.Sprintf("the rollback block of %s asks for nothing", b.Address), Hint: "name who may roll back (from) or which rules must still hold (rules); without the block a reason is enough"})
	}
	for _, name := range named {
		if !slices.Contains(rules, name) {
			c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeRollbackRule, Subject: rangeOf(b, "rollback.rules"),
				Summary: fmt.Sprintf("%s has no rule %q that a rollback could be held to", b.Address, name), Hint: suggest.DidYouMean(name, rules)})
		}
	}
	for _, one := range from {
		if why := unreadable(one); why != "" {
			c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeApproverName, Subject: rangeOf(b, "rollback.from"),
				Summary: fmt.Sprintf("rollbacks of %s are asked of %q, %s", b.Address, one, why), Hint: "write the name as the person gives it to 'mlp rollback --as'"})
		}
	}
}

// unreadable says why a name is not what it seems to be; empty if it is. "аlice" with a Cyrillic а reads as alice, and
// would let a review miss who may approve (Unicode Technical Standard 39, mixed scripts).
func unreadable(name string) string {
	scripts := map[string]bool{}
	for _, r := range name {
		switch {
		case !unicode.IsPrint(r):
			return "which has a letter that cannot be seen"
		case unicode.In(r, unicode.Latin):
			scripts["Latin"] = true
		case unicode.In(r, unicode.Cyrillic):
			scripts["Cyrillic"] = true
		case unicode.In(r, unicode.Greek):
			scripts["Greek"] = true
		}
	}
	switch {
	case strings.TrimSpace(name) == "":
		return "which is no name"
	case strings.TrimSpace(name) != name:
		return "with a blank at its end or beginning"
	case len(scripts) > 1:
		return "which mixes letters of alphabets that look alike"
	}
	return ""
}
