package workspace

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
)

// absent adds an attribute that the schema has and the block has not: the values that it may have, of which one will do.
func (e *editMaker) absent(b *hclsyntax.Block, spec *schema.Attr, place, address string) {
	at, to := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	for _, value := range e.values(spec) {
		if spec.Default != nil && fmt.Sprint(spec.Default) == strings.Trim(value, `"`) {
			continue
		}
		text := "\n" + spec.Name + " = " + value + "\n" + e.text[at:to] + "\n"
		x := madeEdit{ofAttr: true, place: place + "." + spec.Name, sort: "added", block: address, attr: spec.Name, value: strings.Trim(value, `"`), from: at, to: to, text: text,
			first: e.line(at) + 1, last: e.line(at) + 1, named: []string{spec.Name}}
		if spec.Type == schema.Repeat { // told at the block, whose instances come and go
			x.repeats, x.first, x.last, x.named = true, e.header, e.end+2, []string{address + "["}
		}
		e.put(x)
	}
}

// values that an attribute may have by its type.
func (e *editMaker) values(spec *schema.Attr) []string {
	lists := func(all []string) (out []string) {
		for _, x := range all {
			out = append(out, "["+x+"]")
		}
		return out
	}
	switch spec.Type {
	case schema.String:
		if len(spec.OneOf) > 0 {
			var out []string
			for _, w := range spec.OneOf {
				out = append(out, strconv.Quote(w))
			}
			return out
		}
		if spec.ColumnOf != "" {
			return e.likely(spec, "")
		}
		return append([]string{`"x"`, `"90d"`, `"P1D"`, `";"`}, e.words...)
	case schema.Number, schema.Integer:
		return []string{"2", "0.5", "50", "1000"}
	case schema.Bool:
		return []string{"true", "false"}
	case schema.Duration:
		return []string{`"2h"`, `"30d"`}
	case schema.StringList:
		if len(spec.OneOf) > 0 {
			return lists([]string{strconv.Quote(spec.OneOf[0])})
		}
		if spec.ColumnOf != "" {
			return lists(e.likely(spec, ""))
		}
		return append(lists([]string{`"x"`}), lists(e.words)...)
	case schema.NumberList:
		return []string{"[0.1, 0.9]", "[1, 2]", "[0, 1000000]"}
	case schema.Ref:
		return e.meant(spec)
	case schema.RefList, schema.RefMap:
		return lists(e.meant(spec))
	case schema.SQL, schema.SQLExpr:
		return []string{`"1 = 1"`, `"1"`}
	case schema.CEL:
		return []string{`"1.0 < 2.0"`}
	case schema.Limits:
		return []string{`"fpr <= 0.5"`}
	case schema.Repeat:
		return []string{`{ x = "1" }`}
	case schema.TypeExpr:
		return []string{"any", "number"}
	case schema.Any:
		return []string{"1", `"x"`, `{ A = "1" }`, "true"}
	}
	return nil
}

// absentBlock adds a nested block that the schema has, with what it must say.
func (e *editMaker) absentBlock(b *hclsyntax.Block, spec *schema.Block, place, address string) {
	at, to := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	labels := []string{""}
	if spec.Labelled {
		labels = append([]string{` "twin"`}, e.words...)
		for i := range labels[1:] {
			labels[i+1] = " " + labels[i+1]
		}
	}
	bodies := []string{""}
	for i := range spec.Body.Attrs {
		a := &spec.Body.Attrs[i]
		values := e.values(a)
		if !a.Required || len(values) == 0 {
			continue
		}
		var next []string
		for _, body := range bodies {
			for _, v := range values[:min(6, len(values))] {
				next = append(next, body+a.Name+" = "+v+"\n")
			}
		}
		bodies = next
	}
	for i := range spec.Body.Attrs { // one that need not be said, so that the block says something
		if a := &spec.Body.Attrs[i]; !a.Required && len(bodies) < 20 {
			for _, v := range e.values(a)[:min(2, len(e.values(a)))] {
				bodies = append(bodies, bodies[0]+a.Name+" = "+v+"\n")
			}
		}
	}
	for _, label := range labels[:min(4, len(labels))] {
		for _, body := range bodies[:min(24, len(bodies))] {
			block := "\n" + spec.Name + label + " {\n" + body + "}\n"
			named := []string{spec.Name}
			if label != "" {
				named = []string{strings.Trim(label, ` "`)}
			}
			e.put(madeEdit{place: place + " " + spec.Name, sort: "added", block: address, from: at, to: to, text: block + e.text[at:to] + "\n",
				first: e.line(at) + 1, last: e.line(at) + strings.Count(block, "\n") - 1, named: named})
		}
	}
}
