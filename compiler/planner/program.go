package planner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// surroundings are what a command runs in: its container, its image and the code that it reads.
type surroundings struct {
	container *plan.Container
	image     plan.Input
	code      *plan.Input // nil: the command is all in the image
}

// into gives them to a stage.
func (s *surroundings) into(n *plan.Node) {
	n.Container = s.container
	n.Inputs = append(n.Inputs, s.image)
	if s.code != nil {
		n.Inputs = append(n.Inputs, *s.code)
	}
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
}

// program gives a foreign stage what it will run, and how its model is scored if it makes one; false if its image or code cannot be used.
func (p *planner) program(ctx context.Context, b *check.Block, n *plan.Node) bool {
	if f := b.Program; f.Build != nil || len(f.Command) == 0 {
		return p.imageBlock(ctx, b, n)
	}
	p.takeImage(b, n)
	s := p.surroundings(ctx, b, n)
	if s == nil {
		return false
	}
	s.into(n)
	setFormat(n, b.Program.Format)
	if slices.ContainsFunc(n.Outputs, func(o plan.Output) bool { return o.Type == schema.ModelPort }) {
		n.Scoring = p.scoredIn(ctx, b, s.container, n.Image())
		return n.Scoring != nil
	}
	return true
}

// surroundings finds out what a foreign stage will run, and in which image; nil if that cannot be. Secrets are known by name and version here, and
// have no value. n is the block's stage, which the one that makes the image is derived of.
func (p *planner) surroundings(ctx context.Context, b *check.Block, n *plan.Node) *surroundings {
	f := b.Program
	secrets, ok := p.secrets(b)
	if !ok {
		return nil
	}
	s := &surroundings{container: &plan.Container{Command: f.Command, Library: f.Library, Env: f.Env, Network: f.Network, Secrets: secrets}}
	if f.Replicas > 1 {
		s.container.Replicas = f.Replicas
	}
	switch in, refers := p.referred(b); {
	case f.Image.Made != nil:
		s.image, ok = p.made(ctx, b, n)
	case refers:
		s.image = in
	default:
		s.image, ok = p.image(ctx, b, n, s.container, f.Image)
	}
	if !ok {
		return nil
	}
	if s.code, ok = p.code(ctx, b, b.Address, f.Code); !ok {
		return nil
	}
	return s
}

// image is the image that a name means, as the input of a stage. Its version is its id: the name may mean another image tomorrow, and the
// fingerprint goes by what it means today. false after a diagnostic.
func (p *planner) image(ctx context.Context, b *check.Block, n *plan.Node, c *plan.Container, image schema.Image) (plan.Input, bool) {
	version, err := p.o.Sources.Version(ctx, &plan.Node{Address: n.Address, Container: c}, image.Name)
	if err != nil {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeImage, Subject: cmp.Or(b.Ranges[image.Path], b.Range),
			Summary: fmt.Sprintf("the image %q of %s cannot be used: %v", image.Name, b.Address, err),
			Hint:    "Build, load or push it first, or log in to its registry. One whose name says no registry must be in the engine.",
		})
		return plan.Input{}, false
	}
	return plan.Outside(plan.ImagePort, image.Name, version), p.architecture(b, image, version, n.Resources)
}

// referred is the image of a block that another block's program refers to, in place of a name of one; false where it names one. The input is that of a stage which
// runs in the image.
func (p *planner) referred(b *check.Block) (plan.Input, bool) {
	for _, r := range b.Refs {
		if r.Spec != nil && r.Spec.OrText {
			return plan.Input{Port: plan.ImagePort, From: r.Target, FromPort: r.TargetPort, Digest: p.output(r.Target, r.TargetPort)}, true
		}
	}
	return plan.Input{}, false
}

// takeImage takes that reference from the inputs of the block's stage: what runs in the image has it as one (surroundings.into).
func (p *planner) takeImage(b *check.Block, n *plan.Node) {
	for _, r := range b.Refs {
		if r.Spec != nil && r.Spec.OrText {
			n.Inputs = slices.DeleteFunc(n.Inputs, func(in plan.Input) bool { return in.Port == r.Port })
		}
	}
}

// imageBlock gives the stage of a block that makes an image what it is made of: its code, and where the engine builds it the images that it rests on; false after a
// diagnostic.
func (p *planner) imageBlock(ctx context.Context, b *check.Block, n *plan.Node) bool {
	f := b.Program
	code, ok := p.code(ctx, b, b.Address, f.Code)
	if !ok {
		return false
	}
	if f.Build == nil {
		n.Inputs = append(n.Inputs, *code)
		return true
	}
	n.Container = &plan.Container{Command: []string{}, Network: f.Network, Build: &plan.Build{Dockerfile: f.Build.Dockerfile, Context: f.Build.Context, Target: f.Build.Target, Args: f.Build.Args}}
	var given []string
	for i := range n.Inputs {
		n.Inputs[i].Shape = nil
		_, name, _ := strings.Cut(n.Inputs[i].Port, ".")
		given = append(given, name)
	}
	n.Inputs = append(n.Inputs, *code)
	bases, err := p.o.Sources.Bases(ctx, b.Address, f.Build, given)
	if err != nil {
		p.wrongCode(b, err)
		return false
	}
	for i, name := range bases {
		in, ok := p.image(ctx, b, n, n.Container, schema.Image{Name: name, Path: "dockerfile"})
		if !ok {
			return false
		}
		in.Port = plan.BasePort(i)
		n.Inputs = append(n.Inputs, in)
	}
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
	return true
}

// made puts before a stage the one that makes its image, once for all stages that run in it, and is the image as an input. The time-out is that of the block's
// stage. false after a diagnostic.
func (p *planner) made(ctx context.Context, b *check.Block, n *plan.Node) (plan.Input, bool) {
	at := address.Derived(b.Address, string(schema.ImageRole))
	if p.nodes[at] == nil {
		m := b.Program.Image.Made
		q := derivedNode(n, &schema.Derivation{Role: schema.ImageRole})
		q.Kind, q.Type, q.Version, q.Config, q.After = schema.ImageKind, m.Type, m.Version, canonical(m.Config), nil
		q.Outputs = []plan.Output{{Port: plan.ImagePort, Type: schema.ImagePort}}
		q.Resources = q.Resources.WithoutGPUs()
		code, ok := p.code(ctx, b, at, m.Program.Code)
		if !ok {
			return plan.Input{}, false
		}
		if len(m.Program.Command) == 0 {
			q.Inputs = []plan.Input{*code}
		} else {
			s := &surroundings{container: &plan.Container{Command: m.Program.Command, Library: m.Program.Library, Env: m.Program.Env, Network: m.Program.Network}, code: code}
			in, refers := p.referred(b)
			if s.image = in; !refers {
				if s.image, ok = p.image(ctx, b, q, s.container, m.Program.Image); !ok {
					return plan.Input{}, false
				}
			}
			s.into(q)
		}
		p.decide(q)
	}
	return plan.Input{Port: plan.ImagePort, From: at, FromPort: plan.ImagePort, Digest: p.output(at, plan.ImagePort)}, true
}

// code is the code of the module that the stage at an address reads, as an input; nil without files, false after a diagnostic.
func (p *planner) code(ctx context.Context, b *check.Block, at string, files []schema.Files) (*plan.Input, bool) {
	if len(files) == 0 {
		return nil, true
	}
	ext, digest, err := p.o.Sources.Code(ctx, at, files)
	if err != nil {
		p.wrongCode(b, err)
		return nil, false
	}
	return &plan.Input{Port: schema.CodePort, Digest: digest, External: ext, Shape: &schema.Shape{Type: schema.FilesPort}}, true
}

// wrongCode reports what is wrong with the files of a block.
func (p *planner) wrongCode(b *check.Block, err error) {
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeFiles, Subject: b.Range, Summary: fmt.Sprintf("%s: %v", b.Address, err)}
	if wrong, ok := errors.AsType[*CodeError](err); ok {
		d.Subject, d.Summary, d.Detail, d.Hint = cmp.Or(b.Ranges[wrong.Path], b.Range), b.Address+": "+wrong.Summary, wrong.Detail, wrong.Hint
	}
	p.report(d)
}

// CodeError is what is wrong with files that an attribute means.
type CodeError schema.Problem

func (e *CodeError) Error() string { return e.Summary }

// codeCauses say of each file of code that it was edited, added or removed, and in which line where that can be told.
func (p *planner) codeCauses(at string, before, now *plan.External) []plan.Cause {
	was, is := map[string]plan.Digest{}, map[string]plan.Digest{}
	if before != nil {
		for _, f := range before.Files {
			was[f.Name] = f.Digest
		}
	}
	var out []plan.Cause
	for _, f := range now.Files {
		is[f.Name] = f.Digest
		c := plan.Cause{Kind: plan.CodeCause, Path: path.Join(now.Root, f.Name)}
		switch digest, had := was[f.Name]; {
		case digest == f.Digest:
			continue
		case !had:
			c.After = text(string(f.Digest))
		default:
			c.Before, c.After = text(string(digest)), text(string(f.Digest))
			if x, y := p.o.Sources.Edited(at, now, f.Name, digest); x != nil || y != nil {
				c.Before, c.After = line(x), line(y)
			}
		}
		out = append(out, c)
	}
	for name, digest := range was {
		if _, still := is[name]; !still {
			out = append(out, plan.Cause{Kind: plan.CodeCause, Path: path.Join(now.Root, name), Before: text(string(digest))})
		}
	}
	slices.SortFunc(out, func(a, b plan.Cause) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// line is a line of code as JSON, or absent.
func line(l *plan.CodeLine) json.RawMessage {
	if l == nil {
		return nil
	}
	return encode(l)
}
