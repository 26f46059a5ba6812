package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// columnNames tells of attributes that name a column which the table they speak of does not have (schema.Attr.ColumnOf),
// and returns their paths. What a component says of such a place follows from it.
func columnNames(b *Block) (lacking map[string]bool, diags source.Diagnostics) {
	if !namesColumns(&b.TypeSpec.Body) {
		return nil, nil
	}
	var config map[string]any
	if err := json.Unmarshal(b.Config, &config); err != nil {
		return nil, source.Diagnostics{defect(err)}
	}
	lacking = map[string]bool{}
	eachColumnName(&b.TypeSpec.Body, config, "", func(a *schema.Attr, path, name string) {
		t := b.In[a.ColumnOf].Table
		if t == nil || t.Column(name) != nil {
			return
		}
		lacking[path] = true
		diags = append(diags, place(b.Block, schema.Problem{Path: path, Summary: fmt.Sprintf("the table has no column %q", name),
			Detail: columnList(t.Names()), Hint: source.DidYouMean(name, t.Names())}))
	})
	return lacking, diags
}

// namesColumns tells whether any attribute names columns.
func namesColumns(body *schema.Body) bool {
	return slices.ContainsFunc(body.Attrs, func(a schema.Attr) bool { return a.ColumnOf != "" }) ||
		slices.ContainsFunc(body.Blocks, func(b schema.Block) bool { return namesColumns(&b.Body) })
}

// columnList says which columns there are, of a wide table the first.
func columnList(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("It has %s and %d more.", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "It has " + strings.Join(names, ", ") + "."
}

// eachColumnName calls f with the value of every attribute that names a column, nested blocks included.
func eachColumnName(body *schema.Body, config map[string]any, prefix string, f func(a *schema.Attr, path, name string)) {
	for i := range body.Attrs {
		a := &body.Attrs[i]
		if a.ColumnOf == "" {
			continue
		}
		switch v := config[a.Name].(type) {
		case string:
			f(a, prefix+a.Name, v)
		case []any:
			for j, e := range v {
				if name, ok := e.(string); ok {
					f(a, fmt.Sprintf("%s%s[%d]", prefix, a.Name, j), name)
				}
			}
		}
	}
	for i := range body.Blocks {
		nested := &body.Blocks[i]
		switch v := config[nested.Name].(type) {
		case map[string]any:
			eachColumnName(&nested.Body, v, prefix+nested.Name+".", f)
		case []any:
			for j, e := range v {
				if fields, ok := e.(map[string]any); ok {
					label := any(j)
					if nested.Labelled {
						label = fields["name"]
					}
					eachColumnName(&nested.Body, fields, fmt.Sprintf("%s%s[%v].", prefix, nested.Name, label), f)
				}
			}
		}
	}
}
