package suite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// diagnosed is an expected mistake: a code (MLP1203) or a variable (variable.region) of expect_failures, and whether
// the module has it.
type diagnosed struct {
	expected string
	found    bool
}

var errorCode = lazyregexp.New(`^MLP\d{4}$`)

// expectMistakes takes away the mistakes that a test expects, and returns what is left to be told. Where it expects
// any, and they are met, they are all that there is to the test, since a module with mistakes cannot be planned:
// asserts and expects beside them are refused, for they would never be looked at.
func (t *test) expectMistakes(diags source.Diagnostics) source.Diagnostics {
	var left source.Diagnostics
	met := map[string]bool{}
	for _, d := range diags {
		if e := t.expectedMistake(d); e != "" {
			met[e] = true
			continue
		}
		left = append(left, d)
	}
	if !left.HasErrors() && len(t.asserts)+len(t.expects) > 0 {
		left = append(left, source.Diagnostic{
			Severity: source.Error, Code: source.CodeTest, Subject: t.at, Summary: fmt.Sprintf("%q asserts something of a module that does not compile", t.name),
			Detail: "It expects a mistake, and it is made; so there is nothing to plan.", Hint: "leave the asserts and expects out, or move them to another test",
		})
	}
	for _, e := range t.spec.ExpectFailures {
		t.failing = append(t.failing, diagnosed{expected: e, found: met[e]})
	}
	return left
}

// expectedMistake is the expected failure that a diagnostic is; "" if it is none. That a variable's validation failed
// is told by the text of the diagnostic, whose detail begins with the variable, or speaks of its value where that is
// sensitive.
func (t *test) expectedMistake(d source.Diagnostic) string {
	for _, e := range t.spec.ExpectFailures {
		name, variable := strings.CutPrefix(e, "variable.")
		if d.Code == e || variable && d.Code == source.CodeValidation && strings.Contains(d.Detail, fmt.Sprintf("ariable %q is ", name)) {
			return e
		}
	}
	return ""
}

// failures checks that what is expected to fail can: a misspelt gate would else be reported as one that did not fail,
// by a test that people then mend at the wrong place.
func (k *checker) failures() {
	for i, e := range k.test.spec.ExpectFailures {
		at := k.rangeOf(fmt.Sprintf("expect_failures[%d]", i))
		b := k.test.module.Blocks[e]
		switch {
		case errorCode().MatchString(e), strings.HasPrefix(e, "variable.") && k.hasVariable(e):
			// the module compiles: told when the test runs
		case b == nil:
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestFailures, Subject: at,
				Summary: fmt.Sprintf("there is no %s that could fail", e),
				Hint:    suggest.DidYouMean(e, append(k.addresses(), k.variables()...)),
			})
		case !b.TypeSpec.IsGate() && b.TypeSpec.Version == 0:
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestFailures, Subject: at,
				Summary: fmt.Sprintf("%s cannot fail", e),
				Detail:  "Gates, checks, stages and the validation of variables can.",
			})
		}
	}
}

// variables are the addresses of the module's own variables, sorted; those of modules that it calls are not among them.
func (k *checker) variables() []string {
	var out []string
	for name := range k.test.module.Scopes[""].Variables {
		out = append(out, "variable."+name)
	}
	slices.Sort(out)
	return out
}

// hasVariable reports whether an address is that of one of them.
func (k *checker) hasVariable(address string) bool { return slices.Contains(k.variables(), address) }
