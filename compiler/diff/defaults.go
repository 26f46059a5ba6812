package diff

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Written returns the fields without those that only say that an attribute's default came or went, which nobody wrote: they follow
// from a nested block that somebody added or removed. Of
//
//	fairness "gender" { mean = true }   →   fairness "status" {}
//
// two fields are left: fairness[gender].mean went, and fairness[status] came, as an empty object. The defaults of both blocks
// (fairness[status].agg and so on) are left out. A field that weakens policy is always kept, and where nothing would be left all fields
// are. t is the schema of both configurations; with nil no default is known, and all fields are returned.
func Written(before, after json.RawMessage, fields []Field, t *schema.Type) []Field {
	if t == nil || len(fields) == 0 {
		return fields
	}
	was, is := Leaves(before), Leaves(after)
	follows := func(f Field) bool {
		return f.Weaker == "" && (len(f.Before) == 0) != (len(f.After) == 0) && isDefault(f, &t.Body)
	}
	told := map[string]bool{} // elements of which something is left
	for _, f := range fields {
		told[element(f.Path)] = told[element(f.Path)] || !follows(f)
	}
	var out []Field
	for _, f := range fields {
		e := element(f.Path)
		switch {
		case !follows(f):
			out = append(out, f)
		case e != "" && !told[e] && holds(was, e) != holds(is, e):
			told[e] = true
			f.Path = e
			if holds(was, e) {
				f.Before = json.RawMessage("{}")
			} else {
				f.After = json.RawMessage("{}")
			}
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return fields
	}
	return out
}

// element is the path of the named element that a path leads into, "fairness[gender]"; empty if it leads into none.
func element(path string) string { return path[:strings.LastIndexByte(path, ']')+1] }

// holds reports whether any leaf lies under a path: under "slice[eu]" those of "slice[eu].where".
func holds(leaves map[string]json.RawMessage, element string) bool {
	for path := range leaves {
		if strings.HasPrefix(path, element) {
			return true
		}
	}
	return false
}

// isDefault reports whether the one value of a field is that which its attribute has where nobody gives it one.
func isDefault(f Field, body *schema.Body) bool {
	a := Attribute(f.Path, body)
	if a == nil || a.Default == nil {
		return false
	}
	value := f.Before
	if len(value) == 0 {
		value = f.After
	}
	return bytes.Equal(canonical(value), encode(a.Default))
}

// Attribute finds an attribute by its path in a configuration, "fairness[gender].agg"; nil if there is none.
func Attribute(path string, body *schema.Body) *schema.Attr {
	for {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			return body.Attr(path)
		}
		// A label may hold dots: the block ends at "].", not at the first dot.
		b := body.Block(path[:end])
		if b == nil {
			return nil
		}
		if path[end] == '[' {
			label := strings.Index(path[end:], "].")
			if label < 0 {
				return nil
			}
			end += label + 1
		}
		body, path = &b.Body, path[end+1:]
	}
}

// typeOf is the type of a kind in a catalog, nil where either is not known.
func typeOf(catalog *schema.Catalog, kind, typ string) *schema.Type {
	if catalog == nil {
		return nil
	}
	k := catalog.Kind(kind)
	if k == nil {
		return nil
	}
	return k.Type(typ)
}
