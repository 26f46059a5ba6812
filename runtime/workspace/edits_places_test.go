package workspace

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// aboutOf are the addresses of other blocks that a block speaks of: those that its attributes say, and of the call of a module all that is in it.
func (e *editMaker) aboutOf(b *hclsyntax.Block, kind *schema.Kind, address string) []string {
	var out []string
	for i := range kind.Types[0].Body.Attrs {
		if spec := &kind.Types[0].Body.Attrs[i]; spec.Type == schema.Address && b.Body.Attributes[spec.Name] != nil {
			out = append(out, e.at(b.Body.Attributes[spec.Name].Expr.Range()))
		}
	}
	if kind.FreeAttrs {
		out = append(out, address, kind.Name+".twin")
	}
	return out
}

// speaksOf reports whether an address is one that the edit's block speaks of, or below one.
func (e *madeEdit) speaksOf(at string) bool {
	return slices.ContainsFunc(e.about, func(a string) bool { return at == a || strings.HasPrefix(at, a+".") || strings.HasPrefix(at, a+"[") })
}

// placeOf is the place in the language of the blocks of a type.
func placeOf(kind *schema.Kind, typ *schema.Type) string {
	if typ.Name == "" {
		return kind.Name
	}
	return kind.Name + "." + typ.Name
}

// declaredPlaces are the places of all attributes that the language has.
func declaredPlaces(catalog *schema.Catalog) map[string]bool {
	out := map[string]bool{}
	var add func(place string, b *schema.Body)
	add = func(place string, b *schema.Body) {
		for i := range b.Attrs {
			out[place+"."+b.Attrs[i].Name] = true
		}
		for i := range b.Blocks {
			add(place+" "+b.Blocks[i].Name, &b.Blocks[i].Body)
		}
	}
	for i := range catalog.Kinds {
		for j := range catalog.Kinds[i].Types {
			add(placeOf(&catalog.Kinds[i], &catalog.Kinds[i].Types[j]), syntax.BodyOf(&catalog.Kinds[i].Types[j]))
		}
	}
	return out
}
