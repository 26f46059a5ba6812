package table

// How types are found.
//
// A column gets the first type in sniffed that all its values fit, and is text if there is none. Whether they do is asked of every
// row, as what is pinned must hold for the whole file:
//
//	suggest   of the first 1000 rows, the first type that all values fit; of a file of fewer rows that is the answer
//	ruleOut   all rows are held to that type. A column with a value that does not fit moves on to the next type, and is asked again in
//	          the next round; one that fits is done
//
// If a column has 1, 2, 3 in its first rows and 4.5 far below, suggest says bigint, and ruleOut moves on to double. A column of names
// is text after the first rows, and costs no reading of the others. Each round reads the files once for every 200 columns.

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// sniffed are the types that a column of text may turn out to have, the first that all its values fit. What is not sure
// to be a number stays text, since it would lose what it is: leading zeros and a + (post codes, telephones), more digits
// than a number keeps (card numbers), an exponent without a sign or a point (part numbers).
var sniffed = []struct{ kind, like string }{
	{"boolean", `[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]`},
	{"bigint", `0|-?[1-9][0-9]*`},
	{"double", `-?(0|[1-9][0-9]{0,14})|-?(0|[1-9][0-9]*)?\.[0-9]+|-?(0|[1-9][0-9]*)(\.|(\.[0-9]*)?[eE][+-][0-9]+|\.[0-9]*[eE][0-9]+)|-?[nN][aA][nN]|-?[iI][nN][fF]([iI][nN][iI][tT][yY])?`},
	{"date", `[0-9]{4}-[0-9]{2}-[0-9]{2}`},
	{"timestamp", `[0-9].*`},
}

// fits reports whether a text is what a type prints.
func fits(field string, kind int) string {
	k := sniffed[kind]
	return fmt.Sprintf("case when %s is not null then regexp_full_match(%[1]s, '%s') and (%s) is not null end", field, k.like, exactText(field, k.kind))
}

// Sniff finds the names and types of the columns, looking at every row: what it says of the files holds for all of
// them. A column without values is text. Files must have the same columns.
func (c CSV) Sniff(ctx context.Context) ([]schema.Column, error) {
	groups, err := c.groups(nil)
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
	if err := c.namedHeader(first.files[0].Name, c.headerNames(first)); err != nil {
		return nil, err
	}
	columns := make([]CSVColumn, len(out))
	for j := range out {
		columns[j] = CSVColumn{Column: out[j], Header: out[j].Name}
	}
	for _, g := range groups {
		if g.fields, err = c.match(g, columns); err != nil {
			return nil, err
		}
	}
	// at is, for each column, the place in sniffed of the type that is tried.
	n := &narrowing{CSV: c, session: s, groups: groups, at: make([]int, len(out))}
	err = n.narrow(ctx)
	var e *Error
	switch {
	case errors.Is(err, errNoRows):
		name := first.files[0].Name
		return nil, &component.InputError{Summary: name + " holds no rows, only a header", Bare: name + " holds no rows, only a header",
			Detail: `Types are found from values. Declare the columns, column "NAME" { type = "TYPE" }, and say allow_empty = true if that is meant.`}
	case errors.As(err, &e):
		return nil, c.explain(ctx, s, groups, columns, e)
	}
	for i, at := range n.at {
		if at < len(sniffed) {
			out[i].Type = sniffed[at].kind
		}
	}
	return out, err
}

// errNoRows: there are columns and no value to tell their types by.
var errNoRows = errors.New("no rows")

// narrowing finds the type of each column: the one that the first rows suggest, held against all rows, and where it does
// not hold the next.
type narrowing struct {
	CSV
	*session
	groups []*group
	at     []int // the type of each column that is not ruled out yet; the number of types is text
}

const (
	sampleRows = 1000
	// atOnce is how many columns a query over all rows looks at: it has an expression for each.
	atOnce = 200
)

// narrow guesses from the first rows, and then holds all rows to the guess: the first rows decide nothing, but spare most of
// the tries.
func (n *narrowing) narrow(ctx context.Context) error {
	all := make([]int, len(n.at))
	for i := range all {
		all[i] = i
	}
	from, err := n.from(all)
	if err != nil {
		return err
	}
	if err := n.exec(ctx, fmt.Sprintf("create temp table sample as select * from (%s) limit %d", from, sampleRows)); err != nil {
		return err
	}
	rows, err := n.one(ctx, "select count(*) from sample")
	if err != nil {
		return err
	}
	if rows[0].(int64) == 0 {
		return errNoRows
	}
	whole := rows[0].(int64) < sampleRows
	if err := n.suggest(ctx, whole); err != nil || whole {
		return err
	}
	return n.ruleOut(ctx)
}

// suggest finds the types of the sample: its values are put one below the other, since there may be thousands of columns
// and few rows. A column without values is text where the sample is all there is.
// whole: the sample is all rows, and nothing is left to rule out.
func (n *narrowing) suggest(ctx context.Context, whole bool) error {
	terms := make([]string, len(sniffed))
	for kind := range sniffed {
		terms[kind] = "bool_and(" + fits("value", kind) + ")"
	}
	if whole {
		for i := range n.at {
			n.at[i] = len(sniffed)
		}
	}
	// UNPIVOT makes a row of each value; the columns are named c0, c1, …
	query := "select name[2:]::integer, " + strings.Join(terms, ", ") + " from (unpivot sample on columns(*) into name name value value) group by name"
	return n.each(ctx, query, func(row []driver.Value) error {
		kind := 0
		for kind < len(sniffed) && row[1+kind] != true {
			kind++
		}
		n.at[row[0].(int32)] = kind
		return nil
	})
}

// from reads some columns of all files: column i is c<i>.
func (n *narrowing) from(columns []int) (string, error) {
	scans := make([]string, len(n.groups))
	for i, g := range n.groups {
		fields, terms := make([]int, len(columns)), make([]string, len(columns))
		for k, column := range columns {
			fields[k] = g.fields[column]
			terms[k] = fmt.Sprintf("f%d as c%d", fields[k], column)
		}
		scan, err := n.scan(n.session, g, g.files, fields)
		if err != nil {
			return "", err
		}
		scans[i] = "select " + strings.Join(terms, ", ") + " from " + scan
	}
	return "(" + strings.Join(scans, " union all ") + ")", nil
}

// ruleOut moves each column on to the first type that all rows fit. A column without values is text.
func (n *narrowing) ruleOut(ctx context.Context) error {
	var open []int
	for i, at := range n.at {
		if at < len(sniffed) {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		var next []int
		// Each round reads the files once for every atOnce columns; a column that fits is not asked again.
		for chunk := range slices.Chunk(open, atOnce) {
			rows, err := n.from(chunk)
			if err != nil {
				return err
			}
			terms := make([]string, len(chunk))
			for k, i := range chunk {
				terms[k] = "bool_and(" + fits(fmt.Sprintf("c%d", i), n.at[i]) + ")"
			}
			found, err := n.one(ctx, "select "+strings.Join(terms, ", ")+" from "+rows)
			if err != nil {
				return err
			}
			for k, i := range chunk {
				switch fit, known := found[k].(bool); {
				case !known:
					n.at[i] = len(sniffed)
				case !fit:
					if n.at[i]++; n.at[i] < len(sniffed) {
						next = append(next, i)
					}
				}
			}
		}
		open = next
	}
	return nil
}

// headerNames are the names in the header, or column1, column2, … without one.
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

// sameHeader holds a group of files to the columns of another, in any order: without declared columns all files have the same.
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
