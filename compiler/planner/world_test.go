package planner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

func attr(name string, t schema.AttrType) schema.Attr { return schema.Attr{Name: name, Type: t} }

func ref(name string, required bool, ports ...schema.PortType) schema.Attr {
	return schema.Attr{Name: name, Type: schema.Ref, Required: required, Ports: ports}
}

// rows is a reference to a table whose rows are this to a model.
func rows(name string, use schema.RowUse) schema.Attr {
	a := ref(name, true, schema.TablePort)
	a.Rows = use
	return a
}

// catalog is a small language: the kinds that plans tell apart.
func catalog() *schema.Catalog {
	table, model, figures := schema.Port{Name: "table", Type: schema.TablePort}, schema.Port{Name: "model", Type: schema.ModelPort}, schema.Port{Name: "figures", Type: schema.FiguresPort}
	verdict := schema.Port{Name: "verdict", Type: schema.VerdictPort}
	train := schema.Body{Attrs: []schema.Attr{rows("data", schema.FittedRows), attr("features", schema.StringList), attr("trees", schema.Number)}}
	image := schema.Body{Attrs: append(slices.Clone(train.Attrs), attr("image", schema.String), attr("command", schema.StringList), attr("predict", schema.StringList), attr("env", schema.Any), schema.Attr{Name: "architecture", Type: schema.String, Metadata: true})}
	deploy := schema.Body{Attrs: []schema.Attr{ref("model", true, schema.ModelPort), attr("port", schema.Number),
		{Name: "gate", Type: schema.Ref, Kinds: []string{"gate"}, Edge: schema.OrderEdge}}}
	kinds := append(schema.CoreKinds(),
		schema.Kind{Name: "source", Phase: schema.Development, DefaultType: "csv", Types: []schema.Type{{Name: "csv", Version: 1, External: true, Out: []schema.Port{table},
			Body: schema.Body{Attrs: []schema.Attr{attr("path", schema.String), attr("names", schema.StringList)}}}}},
		schema.Kind{Name: "dataset", Phase: schema.Development, DefaultType: "sql", Types: []schema.Type{{Name: "sql", Version: 1, Out: []schema.Port{table, {Name: "rest", Type: schema.TablePort}},
			Body: schema.Body{Attrs: []schema.Attr{ref("from", true, schema.TablePort), attr("where", schema.String), attr("drop", schema.String)}}}}},
		schema.Kind{Name: "check", Phase: schema.Development, Types: []schema.Type{{Version: 1, Out: []schema.Port{verdict, figures},
			Body: schema.Body{Attrs: []schema.Attr{ref("on", true, schema.TablePort)}, Blocks: []schema.Block{schema.RuleBlock()}}}}},
		schema.Kind{Name: "train", Phase: schema.Development, Types: []schema.Type{
			{Name: "container", Version: 1, Out: []schema.Port{model}, Body: image}, {Name: "trees", Version: 2, Out: []schema.Port{model}, Body: train}}},
		schema.Kind{Name: "evaluate", Phase: schema.Development, Types: []schema.Type{{Version: 1, Out: []schema.Port{figures, {Name: "predictions", Type: schema.TablePort}},
			Body: schema.Body{Attrs: []schema.Attr{ref("model", true, schema.ModelPort), rows("data", schema.MeasuredRows)}}}}},
		schema.Kind{Name: "deploy", Phase: schema.Operations, DefaultType: "http", Types: []schema.Type{
			{Name: "batch", Version: 1, Out: []schema.Port{{Name: "release", Type: schema.ReleasePort}, {Name: "scores", Type: schema.TablePort}},
				Body: schema.Body{Attrs: append(slices.Clone(deploy.Attrs), rows("data", schema.ScoredRows))}},
			{Name: "http", Out: []schema.Port{{Name: "release", Type: schema.ReleasePort}}, Body: deploy}}},
	)
	slices.SortFunc(kinds, func(a, b schema.Kind) int { return strings.Compare(a.Name, b.Name) })
	return &schema.Catalog{Kinds: kinds}
}

// library gives blocks their shapes: a source the columns that it names, each stage what flows into it.
type library struct{}

func (library) Resolved(*resolve.Module) {}

func (library) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return []schema.Column{{Name: "id", Type: "bigint"}}, nil
}

func (library) Shape(_ context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool) {
	var c struct {
		Names, Features []string
		Drop            string
	}
	_ = json.Unmarshal(req.Config, &c) // shapes of broken ones do not matter
	var t schema.Table
	for _, port := range []string{"from", "data", "on"} {
		if s, ok := req.In[port]; ok && s.Table != nil {
			t = *s.Table
		}
	}
	figures := schema.Object(map[string]*schema.FigureType{
		"rows": schema.Double, "metrics": schema.MapOf(schema.Double), "delta": schema.MapOf(schema.Object(map[string]*schema.FigureType{"low": schema.Double}))})
	out := schema.ShapeResult{Out: map[string]schema.Shape{}}
	switch kind {
	case "source":
		for _, n := range c.Names {
			name, typ, _ := strings.Cut(n, ":")
			t.Columns = append(t.Columns, schema.Column{Name: name, Type: typ})
		}
		out.Out[""] = schema.Shape{Type: schema.TablePort, Table: &t}
	case "dataset":
		t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(x schema.Column) bool { return x.Name == c.Drop })
		out.Out[""] = schema.Shape{Type: schema.TablePort, Table: &t}
		out.Out["rest"] = out.Out[""]
	case "check", "evaluate":
		out.Figures = figures
		out.Out["figures"] = schema.Shape{Type: schema.FiguresPort, Figures: figures}
		out.Out["verdict"] = schema.Shape{Type: schema.VerdictPort}
		out.Out["predictions"] = schema.Shape{Type: schema.TablePort, Table: &schema.Table{}}
	case "train":
		m := &schema.Model{Task: schema.Binary, Target: "y", Opaque: typ == "container"}
		for _, f := range c.Features {
			if col := t.Column(f); col != nil {
				m.Features = append(m.Features, *col)
			}
		}
		out.Out[""] = schema.Shape{Type: schema.ModelPort, Model: m}
	case "deploy":
		out.Out["scores"] = schema.Shape{Type: schema.TablePort, Table: &schema.Table{}}
	}
	return out, true
}

// Derive has an opaque model predict for evaluations and batch deployments, and compares evaluations with what is live.
func (library) Derive(kind, typ string, req schema.DeriveRequest) ([]schema.Derivation, error) {
	var out []schema.Derivation
	data := schema.DerivationInput{Port: "data", Input: "data"}
	if m := req.In["model"].Model; m != nil && m.Opaque && (kind == "evaluate" || typ == "batch") {
		out = append(out, schema.Derivation{Role: schema.PredictRole, ScoredBy: "model", Into: "predictions", In: []schema.DerivationInput{data, {Port: "model", Input: "model"}},
			Out: []schema.DerivationOutput{{Port: "predictions", Type: schema.TablePort, Shape: &schema.Shape{Type: schema.TablePort, Table: &schema.Table{
				Columns: []schema.Column{{Name: "score", Type: "double"}}}}}}})
	}
	if kind == "evaluate" {
		figures, predictions := req.Out["figures"], req.Out["predictions"]
		out = append(out, schema.Derivation{Role: schema.ChampionRole, Config: json.RawMessage(`{"champion":true}`),
			In:  []schema.DerivationInput{{Port: "challenger", Output: "predictions"}, data, {Port: "model", Live: true}},
			Out: []schema.DerivationOutput{{Port: "figures", Type: schema.FiguresPort, Shape: &figures}, {Port: "predictions", Type: schema.TablePort, Shape: &predictions}}})
	}
	return out, nil
}

func (library) Program(_, typ string, config json.RawMessage) (*schema.Program, error) {
	if typ != "container" {
		return nil, nil
	}
	var c struct {
		Image            string
		Command, Predict []string
		Env              map[string]string
		Network          bool
		Format           string
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	var err error
	p := &schema.Program{Image: schema.Image{Name: c.Image, Path: "image"}, Command: c.Command, Predict: c.Predict, Env: c.Env, Network: c.Network, Format: c.Format}
	p.Told, err = json.Marshal(map[string]any{"env": p.Env, "features": []string{}})
	return p, err
}

// world is a pipeline's files, data, results and state: what plans depend on.
type world struct {
	t       *testing.T
	state   plan.State
	actions map[plan.Digest]*plan.Action
	data    map[string]string // contents of a source's file, by path
	image   string            // what every image's name means; empty: not known yet
	noImage error             // why no plan is made then
	figures map[string]string // metrics.json by address
	same    map[string]string // addresses that yield these bytes whatever they are given
	force   []string
	broken  plan.Digest // an action that cannot be read
}

func newWorld(t *testing.T) *world {
	return &world{t: t, actions: map[plan.Digest]*plan.Action{}, data: map[string]string{}, image: "sha256:1", figures: map[string]string{}, same: map[string]string{},
		state: plan.State{Pipeline: "p", Workspace: "default", Nodes: map[string]plan.NodeState{}, Gates: map[string]plan.GateState{},
			Releases: map[string]plan.ReleaseState{}, Approvals: map[string]plan.ApprovalState{}}}
}

func (w *world) Action(fp plan.Digest) (*plan.Action, bool, error) {
	if fp == w.broken {
		return nil, false, errors.New("the record is damaged")
	}
	a, ok := w.actions[fp]
	return a, ok, nil
}

// Version is asked of images alone. A name with a digest means that, whatever else is there.
func (w *world) Version(_ context.Context, _ *plan.Node, image string) (string, error) {
	if _, id, pinned := strings.Cut(image, "@"); pinned {
		return plan.ImageVersion(id, "linux/amd64"), nil
	}
	if w.image == "" {
		return "", w.noImage
	}
	return plan.ImageVersion(w.image, "linux/amd64"), nil
}

func (w *world) Code(context.Context, string, []schema.Files) (*plan.External, plan.Digest, error) {
	return nil, "", errors.New("there is no code in this world")
}

func (w *world) Bases(context.Context, string, *schema.Build, []string) ([]string, error) {
	return nil, errors.New("there is no code in this world")
}

func (w *world) Edited(string, *plan.External, string, plan.Digest) (before, after *plan.CodeLine) {
	return nil, nil
}

func (w *world) External(_ context.Context, _, _, _ string, config json.RawMessage) (*plan.External, plan.Digest, error) {
	var c struct{ Path string }
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, "", err
	}
	content, ok := w.data[c.Path]
	if !ok {
		return nil, "", fmt.Errorf("there is no %s", c.Path)
	}
	d := digest.Of([]byte(content))
	return &plan.External{Root: ".", Files: []plan.ExternalFile{{Name: c.Path, Size: int64(len(content)), Digest: d}}}, d, nil
}

// module compiles a text through the real front end.
func (w *world) module(text string) *check.Module {
	w.t.Helper()
	r := front.Compile(context.Background(), map[string][]byte{"p.mlp": []byte(text)}, catalog(), front.Options{Library: library{}})
	if r.Diagnostics.HasErrors() {
		w.t.Fatalf("%+v", r.Diagnostics)
	}
	return r.Module
}

func (w *world) options() Options {
	st := w.state
	return Options{Workspace: "default", State: &st, Actions: w, Sources: w, Force: w.force}
}

func (w *world) plan(text string) *plan.Plan {
	w.t.Helper()
	p, diags := Make(context.Background(), w.module(text), w.options())
	if diags.HasErrors() {
		w.t.Fatalf("%+v", diags)
	}
	return p
}

// apply does what an apply of the plan would, with results made up from what goes in.
func (w *world) apply(p *plan.Plan) {
	w.t.Helper()
	w.state.Revision++
	done := map[string]bool{}
	for len(done) < len(p.Nodes) {
		before := len(done)
		for _, n := range p.Nodes {
			if !done[n.Address] && w.ready(p, n, done) {
				done[n.Address] = true
				w.run(n)
			}
		}
		if len(done) == before {
			w.t.Fatal("the plan's stages wait for each other")
		}
	}
	for _, g := range p.Gates {
		w.decide(p, g)
	}
	for _, gone := range p.GatesGone {
		delete(w.state.Gates, gone)
	}
	w.state.Policies = p.Policies
	for _, r := range p.Releases {
		w.release(p, r)
	}
}

func (w *world) ready(p *plan.Plan, n *plan.Node, done map[string]bool) bool {
	for _, in := range n.Inputs {
		if in.From != "" && !done[in.From] {
			return false
		}
	}
	return true
}

func (w *world) run(n *plan.Node) {
	if n.Verdict == plan.Remove {
		delete(w.state.Nodes, n.Address)
		return
	}
	s := plan.NodeState{Definition: n.Definition, Kind: n.Kind, Type: n.Type, Version: n.Version, Config: n.Config, Container: n.Container,
		Inputs: map[string]plan.Digest{}, Forms: n.Forms(), Wiring: map[string]string{}, External: map[string]*plan.External{}, Shapes: plan.Shapes(n.Outputs), Meta: n.Meta}
	var err error
	if s.Policy, err = n.Policy(); err != nil {
		w.t.Fatal(err)
	}
	for _, in := range n.Inputs {
		s.Inputs[in.Port] = in.Digest
		if in.From != "" {
			s.Inputs[in.Port] = w.state.Nodes[in.From].Outputs[in.FromPort]
			s.Wiring[in.Port] = in.From + ":" + in.FromPort
		}
		if in.External != nil {
			s.External[in.Port] = in.External
		}
	}
	s.Fingerprint, s.Accepted = plan.Fingerprint(s.Definition, s.Inputs), n.Accepted
	if n.Accepted != nil && n.Verdict.Known() {
		s.Fingerprint = n.Fingerprint
	}
	if w.actions[s.Fingerprint] == nil {
		a := &plan.Action{Fingerprint: s.Fingerprint, Inputs: s.Inputs, Outputs: map[string]plan.Digest{}, Figures: json.RawMessage(w.figures[n.Address])}
		for _, out := range n.Outputs {
			bytes := string(s.Fingerprint)
			if fixed, ok := w.same[n.Address]; ok {
				bytes = fixed
			}
			a.Outputs[out.Port] = digest.Of([]byte(out.Port + bytes))
		}
		w.actions[s.Fingerprint] = a
	}
	s.Outputs = w.actions[s.Fingerprint].Outputs
	w.state.Nodes[n.Address] = s
}

// recorded answers rules from what is recorded now.
func (w *world) recorded(node string) (json.RawMessage, bool) {
	a := w.actions[w.state.Nodes[node].Fingerprint]
	if a == nil {
		return nil, false
	}
	return a.Figures, true
}

func (w *world) decide(p *plan.Plan, g *plan.Gate) {
	if g.Cached {
		return
	}
	res, err := decide.Rules(&g.Rules, w.recorded)
	if err != nil {
		w.t.Fatal(err)
	}
	models := map[string]plan.Digest{}
	for _, r := range p.Releases {
		if r.Gate == g.Address {
			models[r.Address] = plan.Candidate(w.state.Nodes[r.Model.From].Outputs["model"], r.Scoring)
		}
	}
	subject, err := plan.GateSubject(g.Definition, res.Values, models)
	if err != nil {
		w.t.Fatal(err)
	}
	verdict := res.Verdict
	for _, a := range g.Approvals {
		if given := w.state.Approvals[g.Address+"/"+a.Name]; a.When == "" && given.Subject != subject {
			verdict = decide.Worse(verdict, plan.Open)
		}
	}
	asked, err := g.Policy()
	if err != nil {
		w.t.Fatal(err)
	}
	live := plan.Digest("")
	if g.Champion != nil {
		live = g.Champion.Model
	}
	w.state.Gates[g.Address] = plan.GateState{Policy: asked, Champion: live, Definition: g.Definition, Subject: subject, Verdict: verdict, Rules: res.Rules, Approvals: g.Approvals}
}

func (w *world) release(p *plan.Plan, r *plan.Release) {
	if r.Action == plan.RemoveRelease {
		delete(w.state.Releases, r.Address)
		return
	}
	if r.Gate != "" && w.state.Gates[r.Gate].Verdict != plan.Pass {
		return
	}
	maker := w.state.Nodes[r.Model.From]
	next := plan.ReleaseState{Type: r.Type, Model: maker.Outputs["model"], From: r.Model.From, Fingerprint: maker.Fingerprint, Gate: r.Gate,
		Config: r.Config, Scoring: r.Scoring, Signature: r.Model.Shape.Model, Revision: w.state.Revision}
	if now, ok := w.state.Releases[r.Address]; ok && now.Candidate() == next.Candidate() && string(now.Config) == string(next.Config) {
		return
	}
	w.state.Releases[r.Address] = next
}

// verdicts lists "address verdict" of all nodes.
func verdicts(p *plan.Plan) map[string]plan.Verdict {
	out := map[string]plan.Verdict{}
	for _, n := range p.Nodes {
		out[n.Address] = n.Verdict
	}
	return out
}

// whyText writes changes in a line each.
func whyText(p *plan.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		s := fmt.Sprintf("%s %s %s %s", c.Category, c.Address, c.Cause.Kind, c.Cause.Path)
		if c.Cause.Before != nil || c.Cause.After != nil {
			s += fmt.Sprintf(" %s→%s", c.Cause.Before, c.Cause.After)
		}
		s = strings.TrimSpace(s)
		if len(c.Runs) > 0 {
			s += " runs " + strings.Join(c.Runs, ",")
		}
		if len(c.MayRun) > 0 {
			s += " may " + strings.Join(c.MayRun, ",")
		}
		out = append(out, s)
	}
	return out
}

// settledIn is a world in which a text was applied until nothing was left to do.
func settledIn(t *testing.T, text string) *world {
	w := newWorld(t)
	w.data["raw.csv"] = "1,2,true"
	w.figures["check.enough"] = `{"rows":100,"failed":0}`
	w.figures["evaluate.e"] = `{"rows":50,"metrics":{"auc":0.9}}`
	w.figures["evaluate.e@champion"] = `{"metrics":{"auc":0.88},"delta":{"auc":{"low":-0.01}}}`
	for range 2 {
		w.apply(w.plan(text))
	}
	return w
}
