package table

import (
	"context"
	"database/sql/driver"
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
	if err := distinctColumns(out); err != nil {
		return nil, &component.InputError{Summary: first.files[0].Name + ": " + err.Error(), Detail: "Declare the columns with column blocks."}
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
	err = s.each(ctx, sniffQuery(len(out), strings.Join(scans, " union all ")), func(row []driver.Value) error {
		for i := range out {
			out[i].Type = chosen(row[i*len(sniffed) : (i+1)*len(sniffed)])
		}
		return nil
	})
	var e *Error
	if errors.As(err, &e) {
		return nil, c.explain(ctx, s, groups, nil, e)
	}
	return out, err
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

func sniffQuery(columns int, from string) string {
	var terms []string
	for i := range columns {
		for _, t := range sniffed {
			field := fmt.Sprintf("f%d", i)
			terms = append(terms, fmt.Sprintf("bool_and(case when %s is not null then %s end)", field, fmt.Sprintf(t.fits, field)))
		}
	}
	return "select " + strings.Join(terms, ", ") + " from (" + from + ")"
}

func chosen(fits []driver.Value) string {
	for i, v := range fits {
		if yes, _ := v.(bool); yes {
			return sniffed[i].kind
		}
	}
	return "varchar"
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
