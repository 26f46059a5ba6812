package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table/threads"
)

// largeBytes is how large files are together from which on it is looked at whether what reads them may run on several threads. What is
// smaller runs on one: it takes less than the look. Bytes rest on that decision, so that it goes by the files and not by the machine.
const largeBytes = 1 << 20

// large reports whether files are large together.
func large(paths []string) bool {
	var sum int64
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil {
			sum += info.Size()
		}
	}
	return sum >= largeBytes
}

// dependsOnOrder returns why the rows of a query are not the same on several threads; nil: they are. keys has the columns that tell the rows of
// a table apart, by its name or the path of its file.
//
// It is the engine's own plan that is judged, after names were resolved and views were opened, and not the text: a sum over doubles hides
// in a macro as well. A query that the engine has no plan of in JSON counts as one that depends.
func (s *session) dependsOnOrder(ctx context.Context, query string, keys map[string][]string) (*threads.Reason, error) {
	row, err := s.one(ctx, "select json_serialize_plan("+literal(query)+")::varchar")
	var e *Error
	if errors.As(err, &e) {
		return noPlan, nil
	}
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error bool  `json:"error"`
		Plans []any `json:"plans"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(row[0].(string))))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		return nil, fmt.Errorf("reading the plan of a query: %w", err)
	}
	if answer.Error || len(answer.Plans) != 1 {
		return noPlan, nil
	}
	return threads.Why(answer.Plans[0], keys), nil
}

var noPlan = &threads.Reason{Text: "the engine has no plan of the query to look at"}

// wide runs f with the engine on several threads, if nothing else uses it. What f does is the same on one.
func (s *session) wide(ctx context.Context, n int, f func() error) (err error) {
	if n < 2 {
		return f()
	}
	if e := s.engine; e != nil {
		e.mu.Lock()
		defer e.mu.Unlock() // until then no other session is opened
		if e.open > 1 {
			return f()
		}
	}
	if err := s.exec(ctx, fmt.Sprintf("set threads = %d", n)); err != nil {
		return err
	}
	defer func() {
		if !s.frozen {
			err = errors.Join(err, s.exec(context.WithoutCancel(ctx), "set threads = 1"))
		}
	}()
	return f()
}

// copyWide writes the rows of a query, which is sorted by all of its columns, on several threads if what they are read from is large. What
// fails there is done once more on one: that takes less memory, and of several mistakes meets the same first each time.
func (s *session) copyWide(ctx context.Context, n int, from []File, query, out string) (rows int64, err error) {
	paths := make([]string, len(from))
	for i, f := range from {
		paths[i] = f.Path
	}
	if !large(paths) {
		n = 1
	}
	err = s.wide(ctx, n, func() error {
		rows, err = s.copyParquet(ctx, query, out)
		return err
	})
	var e *Error
	if n > 1 && errors.As(err, &e) && ctx.Err() == nil {
		return s.copyParquet(ctx, query, out)
	}
	return rows, err
}

// OneThread says why a SELECT over the named tables runs on one thread, with the place in its text; nil: it runs on all that a stage has,
// where its tables are large.
func (b *Binder) OneThread(ctx context.Context, query string, tables map[string]*schema.Table) (*schema.Problem, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.engine(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.create(ctx, s, tables); err != nil {
		return nil, err
	}
	keys := map[string][]string{}
	for name, t := range tables {
		keys[strings.ToLower(name)] = t.Key
	}
	full, err := s.withoutNulls(ctx, query)
	if err != nil {
		return nil, err
	}
	why, err := s.dependsOnOrder(ctx, full, keys)
	if err != nil || why == nil {
		return nil, err
	}
	p := &schema.Problem{Summary: why.Text}
	root, err := s.parse(ctx, query)
	if err != nil {
		return nil, err
	}
	if at := placeOf(root, why); at >= 0 {
		p.Offset, p.Length = at, tokenLength(query, at)
	}
	return p, nil
}

// placeOf is where in a query stands what a reason is about, as a byte offset, the first of several; -1: that cannot be told. The reason comes
// from the plan, which has no places, and is found again in the parsed text by the names of the call and of its column.
func placeOf(v any, why *threads.Reason) int {
	best := -1
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case tree:
			if at := placeIn(v, why); at >= 0 && (best < 0 || at < best) {
				best = at
			}
			for _, child := range v.All() {
				look(child)
			}
		case []any:
			for _, child := range v {
				look(child)
			}
		}
	}
	look(v)
	return best
}

// placeIn is the place of a node if the reason may be about it.
func placeIn(n tree, why *threads.Reason) int {
	switch {
	case why.Clause == "limit" && (n.Get("type") == "LIMIT_MODIFIER" || n.Get("type") == "LIMIT_PERCENT_MODIFIER"):
		of, _ := n.Get("limit").(tree)
		return location(of)
	case why.Call == "" && why.Column != "" && n.Get("class") == "COLUMN_REF":
		if names, _ := n.Get("column_names").([]any); len(names) > 0 && strings.EqualFold(names[len(names)-1].(string), why.Column) {
			return location(n)
		}
	case why.Call != "" && (n.Get("class") == "FUNCTION" || n.Get("class") == "WINDOW") && lowerName(n.Get("function_name")) == why.Call:
		args, _ := n.Get("children").([]any)
		if why.Column == "" {
			return location(n)
		}
		if len(args) > 0 {
			arg, _ := args[0].(tree)
			if names, _ := arg.Get("column_names").([]any); len(names) > 0 && strings.EqualFold(names[len(names)-1].(string), why.Column) {
				return location(n)
			}
		}
	}
	return -1
}
