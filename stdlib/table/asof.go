package table

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// The engine's as-of join has two algorithms, and goes by the number of rows. The one for 64 and more takes a null time for the newest, and
// pairs keys of several columns of which one is null with those that lack the same. So such a join gets a
// condition more for each comparison, which no null passes: of `on a.k = b.k and a.t >= b.t`
//
//	(a.t is not null) = case when b.t is null then null else true end
//
// and the same of k. On either side of the sign it reads what the comparison reads there, so that it is one by which the engine can join.

// presence is the condition for one comparison, a statement with placeholders: __mlp_l stands for the left side of the
// comparison (a.t), __mlp_r for the right (b.t).
const presence = "select (__mlp_l is not null) = case when __mlp_r is null then null else true end"

// withoutNulls is the query with as-of joins that no null passes.
// The conditions are put in behind each ON, from the last to the first, so that the places before stay right. A query without
// such a join comes back as it is.
func (s *session) withoutNulls(ctx context.Context, query string) (string, error) {
	if !strings.Contains(strings.ToLower(query), "asof") {
		return query, nil
	}
	root, err := s.parse(ctx, query)
	if err != nil {
		return "", err
	}
	template, err := s.parse(ctx, presence)
	if err != nil {
		return "", err
	}
	more := map[int]string{} // behind which ON
	for _, join := range asOfJoins(root) {
		var condition any
		for _, c := range comparisons(join.Get("condition")) {
			condition = both(condition, put(put(selected(template)[0], "__mlp_l", c.Get("left")), "__mlp_r", c.Get("right")))
		}
		if condition == nil {
			continue
		}
		text, err := s.same(ctx, template, condition)
		at := lastOn(query, first(join.Get("condition")))
		if err != nil || at < 0 {
			return "", errors.Join(err, refuse(schema.Problem{
				Offset:  max(location(join), 0),
				Summary: "the conditions of this as-of join cannot be read",
				Hint:    "compare columns that a dataset before this one makes",
			}))
		}
		more[at] = text
	}
	for _, at := range slices.Backward(slices.Sorted(maps.Keys(more))) {
		query = query[:at] + " " + more[at] + " and" + query[at:]
	}
	return query, nil
}

// same is an expression as SQL which the engine reads as that expression. What the engine writes is parsed again and compared: a text that means
// something else, as one without brackets might, is an error and never part of a query.
func (s *session) same(ctx context.Context, statement tree, expr any) (string, error) {
	text, err := s.selecting(ctx, statement, expr)
	if err != nil {
		return "", err
	}
	again, err := s.parse(ctx, text)
	if err != nil {
		return "", err
	}
	if !reflect.DeepEqual(placeless(selected(again)[0]), placeless(expr)) {
		return "", fmt.Errorf("the engine writes an expression as %s", text)
	}
	return strings.TrimPrefix(text, "SELECT "), nil
}

// asOfJoins are those of a statement that have conditions.
func asOfJoins(v any) []tree {
	var out []tree
	switch v := v.(type) {
	case tree:
		if v.Get("ref_type") == "ASOF" && v.Get("condition") != nil {
			out = append(out, v)
		}
		for _, child := range v.All() {
			out = append(out, asOfJoins(child)...)
		}
	case []any:
		for _, child := range v {
			out = append(out, asOfJoins(child)...)
		}
	}
	return out
}

// first is the first place of a tree in the text, a byte offset; -1 if none is known.
func first(v any) int {
	out := -1
	take := func(at int) {
		if at >= 0 && (out < 0 || at < out) {
			out = at
		}
	}
	switch v := v.(type) {
	case tree:
		take(location(v))
		for _, child := range v.All() {
			take(first(child))
		}
	case []any:
		for _, child := range v {
			take(first(child))
		}
	}
	return out
}

// lastOn is the end of the last word ON before a place; -1 if there is none. The tree does not say where ON stands; words in quotes
// and comments are passed over.
func lastOn(query string, before int) int {
	out := -1
	for i := 0; i < before; {
		switch n := quotedLength(query, i); {
		case n > 0:
			i += n
		case isWord(query[i]) || query[i] >= 0x80:
			end := i
			for end < len(query) && (isWord(query[end]) || query[end] >= 0x80) {
				end++
			}
			if strings.EqualFold(query[i:end], "on") && end <= before {
				out = end
			}
			i = end
		default:
			i++
		}
	}
	return out
}

// comparisons are those that a condition joins with AND, but for those by which nulls are alike.
func comparisons(v any) []tree {
	n, _ := v.(tree)
	var out []tree
	switch n.Get("type") {
	case "CONJUNCTION_AND":
		children, _ := n.Get("children").([]any)
		for _, c := range children {
			out = append(out, comparisons(c)...)
		}
	case "COMPARE_EQUAL", "COMPARE_GREATERTHAN", "COMPARE_GREATERTHANOREQUALTO", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO":
		out = append(out, n)
	}
	return out
}

// placeless is a tree without the places of its nodes in the text, its conjunctions flat.
func placeless(v any) any {
	switch v := v.(type) {
	case tree:
		out := map[string]any{}
		for key, child := range v.All() {
			if key != "query_location" {
				out[key] = placeless(child)
			}
		}
		if out["type"] == "CONJUNCTION_AND" {
			var flat []any
			for _, c := range out["children"].([]any) {
				if inner, ok := c.(map[string]any); ok && inner["type"] == "CONJUNCTION_AND" {
					flat = append(flat, inner["children"].([]any)...)
				} else {
					flat = append(flat, c)
				}
			}
			out["children"] = flat
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = placeless(child)
		}
		return out
	}
	return v
}
