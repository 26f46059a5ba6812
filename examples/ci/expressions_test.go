package ci_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// scope is what expressions of GitHub see: contexts by name, and how what came before ended.
type scope struct {
	vars      map[string]any
	succeeded bool
}

var (
	expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)
	status     = regexp.MustCompile(`\b(always|cancelled|failure|success)\(\)`)
)

// condition is whether an if holds. One that asks for no status holds only while all succeeded.
func (s scope) condition(t *testing.T, text string) bool {
	t.Helper()
	text = strings.TrimSpace(text)
	if m := expression.FindStringSubmatch(text); m != nil && m[0] == text {
		text = m[1]
	}
	if !status.MatchString(text) && !s.succeeded {
		return false
	}
	return text == "" || truth(s.value(t, text))
}

// filled is a text with the values of its expressions.
func (s scope) filled(t *testing.T, text string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(m string) string {
		if v := s.value(t, expression.FindStringSubmatch(m)[1]); v != nil {
			return fmt.Sprint(v)
		}
		return ""
	})
}

func (s scope) value(t *testing.T, text string) any {
	t.Helper()
	node, err := actionlint.NewExprParser().Parse(actionlint.NewExprLexer(text + "}}"))
	if err != nil {
		t.Fatalf("expression %q: %v", text, err)
	}
	return s.eval(t, node)
}

// eval is the value of an expression, as
// https://docs.github.com/actions/reference/workflows-and-actions/expressions says; what the workflow does not use fails.
func (s scope) eval(t *testing.T, node actionlint.ExprNode) any {
	t.Helper()
	switch n := node.(type) {
	case *actionlint.VariableNode:
		v, ok := s.vars[n.Name]
		if !ok {
			t.Fatalf("an expression reads %q, which there is not where it stands", n.Name)
		}
		return v
	case *actionlint.StringNode:
		return n.Value
	case *actionlint.ObjectDerefNode:
		return property(s.eval(t, n.Receiver), n.Property)
	case *actionlint.ArrayDerefNode:
		return s.eval(t, n.Receiver)
	case *actionlint.NotOpNode:
		return !truth(s.eval(t, n.Operand))
	case *actionlint.LogicalOpNode:
		left := s.eval(t, n.Left)
		if truth(left) == (n.Kind == actionlint.LogicalOpNodeKindOr) {
			return left
		}
		return s.eval(t, n.Right)
	case *actionlint.CompareOpNode:
		same := reflect.DeepEqual(s.eval(t, n.Left), s.eval(t, n.Right))
		switch n.Kind {
		case actionlint.CompareOpNodeKindEq:
			return same
		case actionlint.CompareOpNodeKindNotEq:
			return !same
		}
	case *actionlint.FuncCallNode:
		return s.call(t, n)
	}
	t.Fatalf("an expression has a %T, which this test does not know", node)
	return nil
}

func (s scope) call(t *testing.T, n *actionlint.FuncCallNode) any {
	t.Helper()
	switch n.Callee {
	case "always":
		return true
	case "cancelled":
		return false
	case "contains":
		item := s.eval(t, n.Args[1])
		list, _ := s.eval(t, n.Args[0]).([]any)
		for _, v := range list {
			if v == item {
				return true
			}
		}
		return false
	}
	t.Fatalf("an expression calls %s, which this test does not know", n.Callee)
	return nil
}

// property is that of an object, whatever the case of its letters, or of each object of a list; nil where there is none.
func property(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if strings.EqualFold(key, name) {
				return v[key]
			}
		}
		return nil
	case []any:
		all := []any{}
		for _, of := range v {
			all = append(all, property(of, name))
		}
		return all
	}
	return nil
}

func truth(v any) bool { return v != nil && v != false && v != "" && v != float64(0) }
