package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/compiler/trace"
)

// sorted goes through a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// Lineage writes what a result or release comes from: who let it pass and why, then each stage with its code, configuration and data.
// Stages come in the order of l, which is from the result back to its sources, each once. A stage whose record of making
// was collected as garbage is still listed with its fingerprint: what it was made of is in the log of revisions, which
// is never collected.
func Lineage(w io.Writer, l *trace.Lineage) error {
	p := &printer{}
	p.Line("%s", l.Address)
	if l.Release != nil {
		p.released(l)
	}
	for i := range l.Stages {
		p.stage(&l.Stages[i])
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// released writes who made a model live and by which decision: the rules with the values that they saw then, and not
// what they would say now. A gate that was since removed from the state is told as not recorded.
func (p *printer) released(l *trace.Lineage) {
	r := l.Release
	p.row("model", render.Line(r.From)+" "+string(r.Model))
	p.row("live since", fmt.Sprintf("revision %d (%s)", r.Revision, r.Since.UTC().Format("2006-01-02 15:04:05Z")))
	if r.Promoted != nil {
		p.row("promoted by", review.GivenText(*r.Promoted))
	}
	p.rolledBack(r.Rollback)
	if at := l.Written; at != nil {
		by := &Revision{By: at.By, User: at.User, Host: at.Host, Origin: at.Origin}
		p.row("applied by", by.who())
		if at.CI != nil {
			p.row("run", render.Line(at.CI.URL))
		}
		if at.Commit != "" {
			commit := render.Line(at.Commit)
			if at.Dirty {
				commit += ", and changes that are in no commit"
			}
			p.row("commit", commit)
		}
		p.row("plan", string(at.Plan))
	}
	if r.Scoring != nil && r.Scoring.Image != nil {
		p.row("scored by", render.Line(r.Scoring.Image.Root+" "+r.Scoring.Image.Version))
	}
	if r.Gate != "" {
		verdict := "its decision is not recorded"
		if l.Gate != nil {
			verdict = string(l.Gate.Verdict)
		}
		p.row("gate", render.Line(r.Gate)+" "+verdict)
	}
	if l.Gate != nil {
		for _, rule := range l.Gate.Rules {
			p.Line("    %-5s %s: %s", rule.Verdict, render.Line(rule.Name), render.Line(rule.Assert))
			for _, v := range rule.Values {
				p.Line("          %s = %s", render.Line(v.Path), render.Value(v.Value))
			}
		}
		p.given(l.Gate)
	}
	for address, figures := range sorted(r.Figures) {
		p.Line("  figures of %s", render.Line(address))
		var tree any
		leaves := map[string]json.RawMessage{}
		if json.Unmarshal(figures, &tree) == nil {
			flattenFigures("", tree, leaves)
		}
		for _, path := range inOrder(leaves) {
			p.Line("    %s  %s", render.Line(path), render.Value(leaves[path]))
		}
	}
}

// stage writes one stage: its code (component, version, engine), what it was configured with, what it read (←) and what
// it made (→). "accepted" is a result that was taken over although the definition had changed, on somebody's word (an
// accept block).
func (p *printer) stage(s *trace.Stage) {
	code := render.Line(s.Component)
	if s.Engine != "" {
		code += " with " + render.Line(s.Engine)
	}
	p.Line("\n  %s   %s", p.Paint(render.Bold, render.Line(s.Address)), code)
	p.Line("    fingerprint  %s, recorded in revision %d", s.Fingerprint.Short(), s.Revision)
	if a := s.Made; a != nil {
		p.Line("    made         %s, %s on %s, mlp %s", a.StartedAt.UTC().Format("2006-01-02 15:04:05Z"), render.Line(a.Executor), render.Line(cmp.Or(a.Node, a.Platform)), render.Line(a.ToolVersion))
	} else {
		p.Line("    made         the record of how is no longer in the store")
	}
	if s.Accepted != nil {
		p.Line("    accepted     as the result of this definition by %s", render.Line(s.Accepted.By))
	}
	if len(s.Command) > 0 {
		p.Line("    command      %s", render.Line(strings.Join(s.Command, " ")))
	}
	if text := render.Value(s.Config); len(s.Config) > 0 && text != "{}" {
		p.Line("    configured   %s", text)
	}
	for _, in := range s.Inputs {
		p.source(in)
	}
	for port, d := range sorted(s.Outputs) {
		p.Line("    → %s  %s", render.Line(port), d.Short())
	}
}

// source writes what a stage read. What lies outside of the pipeline is shown by its files or its version, so that a
// reader can find it again; what another stage made by that stage's port. "no revision has a record" is of
// an input whose own result this state's log does not have.
func (p *printer) source(in trace.Source) {
	switch x := in.External; {
	case x != nil && x.Remote:
		p.Line("    ← %s  %s: %s", render.Line(in.Port), render.Line(x.Root), render.ShortVersion(x.Version))
	case x != nil:
		p.Line("    ← %s  %s in %s (%s)", render.Line(in.Port), files(x), render.Line(cmp.Or(x.Root, ".")), in.Digest.Short())
		for i, f := range x.Files {
			if i == mostFiles {
				p.Line("        and %d more; --format json lists all", len(x.Files)-i)
				break
			}
			p.Line("        %s  %d bytes  %s", render.Line(f.Name), f.Size, string(f.Digest))
		}
	case in.Unrecorded:
		p.Line("    ← %s  %s %s, of which no revision has a record", render.Line(in.Port), render.Line(in.From), in.Digest.Short())
	default:
		p.Line("    ← %s  %s %s", render.Line(in.Port), render.Line(in.From), in.Digest.Short())
	}
}

// mostFiles is how many files of a source are listed.
const mostFiles = 20

func files(x *plan.External) string {
	return fmt.Sprintf("%d %s", len(x.Files), render.Plural(len(x.Files), "file", "files"))
}
