package lsp

import (
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// binder gives what is written its meaning in the catalog. bodies keeps the schema of each type, which takes time to
// make.
type binder struct {
	cat    *schema.Catalog
	bodies map[*schema.Type]*schema.Body
}

// top gives a block the schema of its kind and type; what is unknown stays without, and offers nothing. The type is the
// first of two labels, or a single label of kinds whose blocks always have a type: of `train "` it is being written.
func (b *binder) top(n *block) {
	if n.kindSpec = b.cat.Kind(n.kind.text); n.kindSpec == nil {
		return
	}
	typ := n.kindSpec.DefaultType
	if len(n.labels) > 1 || len(n.labels) == 1 && typ == "" && n.kindSpec.Type("") == nil {
		typ = n.labels[0].text
	}
	if n.typeSpec = n.kindSpec.Type(typ); n.typeSpec == nil {
		return
	}
	if b.bodies[n.typeSpec] == nil {
		b.bodies[n.typeSpec] = syntax.BodyOf(n.typeSpec)
	}
	b.body(n, b.bodies[n.typeSpec])
}

// body gives arguments and nested blocks their schema, as deep as both are known.
func (b *binder) body(n *block, body *schema.Body) {
	n.takes = body
	for _, a := range n.attrs {
		a.spec = body.Attr(a.name.text)
	}
	for _, c := range n.blocks {
		if c.spec = body.Block(c.kind.text); c.spec != nil {
			b.body(c, &c.spec.Body)
		}
	}
}
