package table

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Sniff finds the members of all rows and their types, looking at every row: true and false are boolean; numbers bigint, or double
// where that prints them as they are; texts of that form date or timestamp; lists and objects json; all else, and what is of
// several kinds, is varchar. A text stays one, whatever digits stand in it. Columns stand in the order that they are met in. The
// files are read twice, for names and for values. {"a": 1}, {"a": 2.5, "b": "2026-01-31"} make the columns a, a double, and b, a
// date.
func (j JSON) Sniff(ctx context.Context) ([]schema.Column, error) {
	members, err := j.members(ctx)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		what := "the files hold no rows"
		if len(j.Files) == 1 {
			what = j.Files[0].Name + " holds no rows"
		}
		return nil, &component.InputError{Summary: what, Bare: what,
			Detail: `Types are found from values. Declare the columns, column "NAME" { type = "TYPE" }, and say allow_empty = true if that is meant.`}
	}
	columns := make([]CSVColumn, len(members))
	for i, m := range members {
		columns[i] = CSVColumn{Column: schema.Column{Name: m.name, Type: "varchar"}}
	}
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r := &jsonRows{JSON: j, columns: columns, met: make([]bool, len(columns)), others: map[string]bool{}}
	if err := r.append(ctx, s); err != nil {
		return nil, err
	}
	out := plainColumns(columns)
	for i, m := range members {
		if out[i].Type, err = s.narrowJSON(ctx, i, m.kinds); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// jsonMember is a name that rows have, and the kinds of values that it has, null left out.
type jsonMember struct {
	name  string
	kinds []jsontext.Kind
}

// members are the names that any object has, in the order that they are met in, with the kinds of their values; null is of
// no kind.
func (j JSON) members(ctx context.Context) ([]*jsonMember, error) {
	var out []*jsonMember
	byName := map[string]*jsonMember{}
	for _, f := range j.Files {
		err := f.objects(ctx, func(name string, value jsontext.Value) error {
			m := byName[name]
			if m == nil {
				m = &jsonMember{name: name}
				byName[name] = m
				out = append(out, m)
			}
			if k := value.Kind(); k != 'n' && !slices.Contains(m.kinds, k) {
				m.kinds = append(m.kinds, k)
			}
			return nil
		}, func() error { return nil })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// narrowJSON is the type of the values of column i, which are of these kinds: the first of the candidates that all values come through and back
// unchanged. 1 and 2.5 are double, 12345678901234567891 is varchar, for neither a bigint nor a double has its digits.
func (s *session) narrowJSON(ctx context.Context, i int, kinds []jsontext.Kind) (string, error) {
	// kinds are of jsontext: t and f are true and false, 0 is a number, " a text; null is not among them.
	only := func(of string) bool {
		return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k jsontext.Kind) bool { return !strings.ContainsRune(of, rune(k)) })
	}
	var among []string
	switch {
	case only("tf"):
		return "boolean", nil
	case slices.ContainsFunc(kinds, func(k jsontext.Kind) bool { return k == '[' || k == '{' }):
		return "json", nil
	case only("0"):
		among = []string{"bigint", "double"}
	case only(`"`):
		among = []string{"date", "timestamp"}
	default:
		return "varchar", nil
	}
	for kind, t := range sniffed {
		if !slices.Contains(among, t.kind) {
			continue
		}
		row, err := s.one(ctx, "select bool_and("+fits(fmt.Sprintf("c%d", i), kind)+") from raw")
		if err != nil {
			return "", err
		}
		if row[0] == true {
			return t.kind, nil
		}
	}
	return "varchar", nil
}
