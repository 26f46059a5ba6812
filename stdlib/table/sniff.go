package table

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// sniffed are the types that a column of text may turn out to have, the first that all its values fit. Numbers with
// leading zeros (post codes, card numbers) stay text, since they would lose them.
var sniffed = []struct{ kind, fits string }{
	{"boolean", `lower(%s) in ('true', 'false')`},
	{"bigint", `regexp_full_match(%s, '[+-]?(0|[1-9][0-9]*)') and try_cast(%[1]s as bigint) is not null`},
	{"double", `not regexp_matches(%s, '^[+-]?0[0-9]') and try_cast(%[1]s as double) is not null`},
	{"date", `regexp_full_match(%s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and try_cast(%[1]s as date) is not null`},
	{"timestamp", `try_cast(%s as timestamptz) is not null`},
}

// Sniff finds the names and types of the columns, looking at every row: what it says of the files holds for all of
// them. A column without values is text. Files must have the same columns.
func (c CSV) Sniff(ctx context.Context) ([]schema.Column, error) {
	groups, err := c.groups()
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return nil, &component.InputError{Summary: "there are no files to look at"}
	}
	first := groups[0]
	for _, g := range groups[1:] {
		if err := sameHeader(first, g); err != nil {
			return nil, err
		}
	}
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	out := make([]schema.Column, len(first.header))
	for i, name := range c.headerNames(first) {
		out[i] = schema.Column{Name: name, Type: "varchar"}
	}
	if err := distinctHeader(first.files[0].Name, out); err != nil {
		return nil, err
	}
	scans := make([]string, len(groups))
	for i, g := range groups {
		columns := make([]CSVColumn, len(out))
		for j := range out {
			columns[j] = CSVColumn{Column: out[j]}
			columns[j].Name = fmt.Sprintf("f%d", j)
			columns[j].Header = out[j].Name
		}
		if g.fields, err = c.match(g, columns); err != nil {
			return nil, err
		}
		scan, err := c.scan(s, g, g.files)
		if err != nil {
			return nil, err
		}
		scans[i] = "select " + typedFields(g.fields, columns) + " from " + scan
	}
	kinds, err := s.narrow(ctx, len(out), strings.Join(scans, " union all "))
	var e *Error
	if errors.As(err, &e) {
		return nil, c.explain(ctx, s, groups, nil, e)
	}
	for i, kind := range kinds {
		out[i].Type = kind
	}
	return out, err
}

// distinctHeader refuses a header that names two columns alike.
func distinctHeader(file string, columns []schema.Column) error {
	seen := map[string]bool{}
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		if seen[name] {
			return &component.InputError{Summary: fmt.Sprintf("%s has two columns named %q", file, c.Name),
				Detail: "Names in the header must differ, regardless of case. Rename one in the file."}
		}
		seen[name] = true
	}
	return nil
}

// narrow finds the type of each column: the one that the first rows suggest, held against all rows, and where it does
// not hold the next.
func (s *session) narrow(ctx context.Context, columns int, from string) ([]string, error) {
	at := make([]int, columns) // the type of each column that is not ruled out yet
	const some = 1000
	if err := s.ruleOut(ctx, at, "(select * from ("+from+fmt.Sprintf(") limit %d)", some), true); err != nil {
		return nil, err
	}
	if err := s.ruleOut(ctx, at, "("+from+")", false); err != nil {
		return nil, err
	}
	out := make([]string, columns)
	for i := range out {
		out[i] = "varchar"
		if at[i] < len(sniffed) {
			out[i] = sniffed[at[i]].kind
		}
	}
	return out, nil
}

// ruleOut moves each column on to the first type that the rows fit. Where sampled, a column without values stays, to
// be decided by more rows; else it is text.
func (s *session) ruleOut(ctx context.Context, at []int, from string, sampled bool) error {
	open := make([]int, len(at))
	for i := range open {
		open[i] = i
	}
	for len(open) > 0 {
		var terms []string
		for _, i := range open {
			field, kind := fmt.Sprintf("f%d", i), "false"
			if at[i] < len(sniffed) {
				kind = fmt.Sprintf(sniffed[at[i]].fits, field)
			}
			terms = append(terms, fmt.Sprintf("bool_and(case when %s is not null then coalesce(%s, false) end)", field, kind))
		}
		row, err := s.one(ctx, "select "+strings.Join(terms, ", ")+" from "+from)
		if err != nil {
			return err
		}
		var next []int
		for k, i := range open {
			fits, known := row[k].(bool)
			switch {
			case !known && !sampled:
				at[i] = len(sniffed)
			case known && !fits && at[i] < len(sniffed):
				at[i]++
				next = append(next, i)
			}
		}
		open = next
	}
	return nil
}

func (c CSV) headerNames(g *group) []string {
	if c.Header {
		return g.header
	}
	out := make([]string, len(g.header))
	for i := range out {
		out[i] = fmt.Sprintf("column%d", i+1)
	}
	return out
}

func sameHeader(a, b *group) error {
	have := map[string]bool{}
	for _, name := range b.header {
		have[strings.ToLower(name)] = true
	}
	for _, name := range a.header {
		if !have[strings.ToLower(name)] {
			return &component.InputError{Summary: fmt.Sprintf("%s has no column %q, which %s has", b.files[0].Name, name, a.files[0].Name),
				Detail: "Files of one source have the same columns; declare those that are wanted with column blocks."}
		}
	}
	if len(a.header) != len(b.header) {
		return &component.InputError{Summary: fmt.Sprintf("%s has %d columns, %s has %d", b.files[0].Name, len(b.header), a.files[0].Name, len(a.header)),
			Detail: "Files of one source have the same columns; declare those that are wanted with column blocks."}
	}
	return nil
}
