package planner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// outsidePort is that of a fetch at which what lies elsewhere comes in: a version, such as an ETag, and no bytes.
const outsidePort = "outside"

// fetched puts before a source's stage the one that gets what lies elsewhere, at the version which that has now. The
// source's own stage takes the bytes, and sees neither network nor secrets. false after a diagnostic. A version that is
// not known is empty, and so the fetch waits for an input that is not known, until the apply asks.
func (p *planner) fetched(ctx context.Context, b *check.Block, n *plan.Node) bool {
	d := derivation(b, schema.FetchRole)
	q := derivedNode(n, d)
	q.Kind, q.Type, q.Version, q.Config = schema.FetchKind, d.Fetch.Type, d.Fetch.Version, canonical(d.Config)
	limitsOf(n, q)
	for _, out := range d.Out {
		q.Outputs = append(q.Outputs, plan.Output{Port: out.Port, Type: out.Type, Shape: out.Shape})
	}
	var ok bool
	if q.Secrets, ok = p.secrets(b); !ok {
		return false
	}
	version, err := p.o.Sources.Version(ctx, q, d.Fetch.Location)
	if err != nil {
		r := cmp.Or(b.Ranges["path"], b.Ranges["url"], b.Range)
		what, more, _ := strings.Cut(err.Error(), "\n")
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeOutside, Subject: r, Summary: b.Address + ": " + what, Detail: more})
		return false
	}
	q.Inputs = []plan.Input{plan.Outside(outsidePort, d.Fetch.Location, version)}
	p.decide(q)
	out := q.Outputs[0]
	n.Inputs = append(n.Inputs, plan.Input{Port: d.Into, From: q.Address, FromPort: out.Port, Shape: &schema.Shape{Type: out.Type}})
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
	return true
}
