package planner

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// predictKind and predictType name the contract of predict commands (spec/protocol.md), as kind and type name a component.
const (
	predictKind = "predict"
	predictType = "container"
)

// derivation is what is derived of a block in a role; nil if nothing is.
func derivation(b *check.Block, role schema.Role) *schema.Derivation {
	if b == nil {
		return nil
	}
	for i := range b.Derived {
		if b.Derived[i].Role == role {
			return &b.Derived[i]
		}
	}
	return nil
}

// derivedNode is the stage that is derived of n, with all that n says for both: its phase, time-out, what must have
// passed. Kind, type, configuration and inputs are the caller's to fill in.
func derivedNode(n *plan.Node, d *schema.Derivation) *plan.Node {
	at := address.Derived(n.Address, string(d.Role))
	if d.Number > 0 {
		at = address.Numbered(n.Address, string(d.Role), d.Number)
	}
	return &plan.Node{
		Address: at, Of: n.Address, Role: d.Role, Phase: n.Phase,
		TimeoutMS: n.TimeoutMS, Retries: n.Retries, After: n.After, Range: n.Range, Resources: n.Resources,
	}
}

// limitsOf gives q the limits of n.
func limitsOf(n, q *plan.Node) {
	q.MemoryMB, q.MaxMemoryMB, q.DiskMB, q.CPUs = n.MemoryMB, n.MaxMemoryMB, n.DiskMB, n.CPUs
}

// trials puts before a stage those that fit and measure a choice of parameters each, in the order of their numbers: one that goes by what came
// of others takes it from stages of lower numbers, so that the graph is known before any has run.
func (p *planner) trials(b *check.Block, n *plan.Node) {
	var into []plan.Input
	for i := range b.Derived {
		d := &b.Derived[i]
		if d.Role != schema.TrialRole {
			continue
		}
		q := derivedNode(n, d)
		q.Kind, q.Type, q.Version, q.Engine, q.Config = n.Kind, n.Type, n.Version, n.Engine, canonical(d.Config)
		limitsOf(n, q)
		if !wire(q, n, d, nil) {
			return // what the block itself takes is not there, which has been told
		}
		p.decide(q)
		out := q.Outputs[0]
		into = append(into, plan.Input{Port: d.Into, From: q.Address, FromPort: out.Port, Shape: out.Shape})
	}
	n.Inputs = append(n.Inputs, into...)
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
}

// predictions puts a stage before one that would score an opaque model: only the model's own program can, so its
// predict command makes a table of predictions, and the consumer takes that beside the model. Of evaluate.test on a
// model trained in a container the stage is evaluate.test@predict. Models of components need none, and nothing is done.
func (p *planner) predictions(ctx context.Context, b *check.Block, n *plan.Node) {
	d := derivation(b, schema.PredictRole)
	if d == nil {
		return
	}
	model := input(n, d.ScoredBy)
	if model == nil {
		return
	}
	maker := p.m.Blocks[model.From]
	scoring := p.scoring(ctx, maker)
	if scoring == nil {
		return
	}
	if len(scoring.Container.Command) == 0 {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeNoPredict, Subject: maker.Range,
			Summary: fmt.Sprintf("%s has no predict command, so %s cannot score its model", maker.Address, b.Address),
			Hint:    `Add: predict = ["python3", "/app/predict.py"]`,
		})
		return
	}
	q := derivedNode(n, d)
	q.Kind, q.Type, q.Version, q.Config = predictKind, predictType, scoring.Version, scoring.Config
	if !wire(q, n, d, nil) {
		return
	}
	p.scoredBy(maker, scoring).into(q)
	if made := p.nodes[maker.Address]; made != nil { // what its program needs, and not the block that is scored for
		q.Resources = made.Resources
		limitsOf(made, q)
	}
	setFormat(q, maker.Program.Format)
	p.decide(q)
	if d.Into == "" {
		return
	}
	out := q.Outputs[0]
	n.Inputs = append(n.Inputs, plan.Input{Port: d.Into, From: q.Address, FromPort: out.Port, Shape: out.Shape})
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
}

// wire gives a derived stage its inputs and outputs; false if something that it takes is not there. live is the model
// that is live, for inputs that take that; nil without one.
func wire(q, n *plan.Node, d *schema.Derivation, live *plan.Input) bool {
	for _, out := range d.Out {
		q.Outputs = append(q.Outputs, plan.Output{Port: out.Port, Type: out.Type, Shape: out.Shape})
	}
	for _, w := range d.In {
		var in plan.Input
		switch own := input(n, w.Input); {
		case w.Live && live != nil:
			in = *live
		case w.Output != "":
			in = plan.Input{From: n.Address, FromPort: w.Output}
			for _, out := range n.Outputs {
				if out.Port == w.Output {
					in.Shape = out.Shape
				}
			}
		case w.Trial > 0:
			in = plan.Input{From: address.Numbered(n.Address, string(d.Role), w.Trial), FromPort: d.Out[0].Port, Shape: d.Out[0].Shape}
		case own != nil:
			in = *own
			if d.ScoredBy != "" && in.Rows != "" {
				in.Rows = schema.ScoredRows // the stage predicts, and its consumer measures
			}
		default:
			return false
		}
		in.Port = w.Port
		q.Inputs = append(q.Inputs, in)
	}
	return true
}

// scoring is how the model that a foreign stage makes is used; nil if its image or code cannot be. A model that is given is used
// as one that is made.
func (p *planner) scoring(ctx context.Context, maker *check.Block) *plan.Scoring {
	if s := p.scorings[maker.Address]; s != nil {
		return s
	}
	if maker.Program == nil {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeStage, Subject: maker.Range,
			Summary: fmt.Sprintf("%s makes a model that only its own program can score, and has none", maker.Address),
		})
		return nil
	}
	n := p.nodes[maker.Address]
	if n == nil { // it could not be planned, which has been told
		return nil
	}
	in := p.surroundings(ctx, maker, n)
	if in == nil {
		return nil
	}
	return p.scoredIn(ctx, maker, in.container, (&plan.Node{Container: in.container, Inputs: []plan.Input{in.image}}).Image())
}

// scoredIn is how the model is used that a block makes in a container; nil after a diagnostic.
func (p *planner) scoredIn(ctx context.Context, maker *check.Block, c *plan.Container, image *plan.External) *plan.Scoring {
	code, ok := p.code(ctx, maker, address.Derived(maker.Address, string(schema.PredictRole)), maker.Program.PredictCode)
	if !ok {
		return nil
	}
	var files *plan.External
	if code != nil {
		files = code.External
	}
	s, err := plan.NewScoring(c, image, files, maker.Program.Predict, maker.Program.Told)
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: maker.Range, Summary: err.Error()})
		return nil
	}
	p.scorings[maker.Address] = s
	return s
}

// scoredBy is what the command runs in that scores a maker's model.
func (p *planner) scoredBy(maker *check.Block, s *plan.Scoring) *surroundings {
	out := &surroundings{container: s.Container, image: plan.Outside(plan.ImagePort, s.Image.Root, s.Image.Version)}
	if _, refers := p.referred(maker); refers || maker.Program.Image.Made != nil {
		out.image = plan.Input{Port: plan.ImagePort, From: s.Image.Root, FromPort: plan.ImagePort, Digest: plan.Digest(s.Image.Version)}
	}
	if s.Code != nil {
		digest, err := plan.ExternalDigest(s.Code.Files)
		if err != nil {
			panic(err) // files always encode
		}
		out.code = &plan.Input{Port: schema.CodePort, Digest: digest, External: s.Code, Shape: &schema.Shape{Type: schema.FilesPort}}
	}
	return out
}

// championNode is the stage that scores the live model on the rows of an evaluation, and compares; nil where nothing
// can be compared. It is planned when the first gate asks for it, and only then: without a rule that reads the
// difference nothing is scored.
func (p *planner) championNode(evaluate string, champion *plan.Champion) *plan.Node {
	base, d := p.nodes[evaluate], derivation(p.m.Blocks[evaluate], schema.ChampionRole)
	if base == nil || d == nil {
		return nil
	}
	n := derivedNode(base, d)
	n.Kind, n.Type, n.Version, n.Engine, n.Config = base.Kind, base.Type, base.Version, base.Engine, canonical(d.Config)
	limitsOf(base, n)
	live := p.o.State.Releases[champion.Deploy]
	whole := wire(n, base, d, &plan.Input{Digest: champion.Model, Shape: &schema.Shape{Type: schema.ModelPort, Model: live.Signature}})
	if p.given(n) {
		return n
	}
	if !whole {
		return nil // the evaluation itself is given, and nothing is known of the rows that it stands for
	}
	p.decide(n)
	return n
}

// input is the input at a port, nil if there is none.
func input(n *plan.Node, port string) *plan.Input {
	for i := range n.Inputs {
		if n.Inputs[i].Port == port {
			return &n.Inputs[i]
		}
	}
	return nil
}
