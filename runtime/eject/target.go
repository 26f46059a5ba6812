package eject

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/graph"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/component"
)

// target is what make makes under one name.
type target struct {
	name    string // of its folder below work/
	about   string // for a comment
	node    *plan.Node
	spec    component.Spec
	inputs  []input
	needs   []string // names of other targets
	files   []string // of the folder, that it reads
	image   *madeImage
	build   *dockerBuild // of an image that the engine builds; nil of all others
	secrets []plan.Secret
	// rewrites are tables that are laid out in another format before the program runs, or brought into the stored one after.
	rewrites []rewrite
}

// input is a folder that a port of a target leads to, relative to the folder; of code the files that are copied there.
type input struct {
	port string
	path string
	code *plan.External
}

// rewrite is a table that is written in another form.
type rewrite struct {
	name     string // of its description
	from, to string // folders: of work/, or of the stage's root where they begin with "in/" or "out/"
	after    bool   // it is an output
}

// scripted reports whether the target has a script of its own.
func (t *target) scripted() bool {
	return t.node != nil && (t.node.Container != nil || len(t.secrets) > 0)
}

// names are what targets are called, by address: train.model["eu"] is train.model.eu. What would be called like another has a number.
func (w *writer) names() map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	name := func(address, suffix string) {
		plain := strings.Map(func(r rune) rune {
			switch {
			case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-@", r):
				return r
			case r == '[':
				return '.'
			case r == '"' || r == ']':
				return -1
			}
			return '_'
		}, address) + suffix
		n := plain
		for i := 2; taken[n]; i++ {
			n = fmt.Sprintf("%s-%d", plain, i)
		}
		taken[n], out[address+suffix] = true, n
	}
	for _, n := range w.plan.Nodes {
		name(n.Address, "")
		if n.HasVerdict() {
			name(n.Address, verdictSuffix)
		}
	}
	for _, g := range w.plan.Gates {
		name(g.Address, "")
	}
	return out
}

// verdictSuffix parts what decides a check from what runs it.
const verdictSuffix = ".verdict"

// makeTargets finds what make makes, in an order in which each stands behind what it needs.
func (w *writer) makeTargets() error {
	names, all := w.names(), map[string]*target{}
	passed := func(addresses []string) []string { // of checks and gates their verdicts, of stages their ends
		var out []string
		for _, a := range addresses {
			if n, ok := names[a+verdictSuffix]; ok {
				out = append(out, n)
			} else if n, ok := names[a]; ok {
				out = append(out, n)
			}
		}
		return out
	}
	for _, n := range w.plan.Nodes {
		if n.Verdict == plan.Remove || loaded(n) {
			continue
		}
		t, err := w.stage(n, names)
		if err != nil {
			return err
		}
		t.needs = append(t.needs, passed(n.After)...)
		if n.Gate != "" {
			t.needs = append(t.needs, passed([]string{n.Gate})...)
		}
		all[t.name] = t
		if n.HasVerdict() {
			r := n.Rules
			if r == nil {
				r = &plan.Rules{}
			}
			v, err := w.verdict(names[n.Address+verdictSuffix], n.Address, n.Address, r, names)
			if err != nil {
				return err
			}
			all[v.name] = v
		}
		w.written.Stages++
		if n.Container != nil {
			w.written.Programs++
		}
	}
	for _, g := range w.plan.Gates {
		t, err := w.verdict(names[g.Address], g.Address, "", &g.Rules, names)
		if err != nil {
			return err
		}
		t.needs = append(t.needs, passed(g.After)...)
		all[t.name] = t
		w.written.Gates++
	}
	return w.order(all)
}

// order sorts targets by what they need.
func (w *writer) order(all map[string]*target) error {
	g := graph.New()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := g.Add(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t := all[name]
		slices.Sort(t.needs)
		t.needs = slices.DeleteFunc(slices.Compact(t.needs), func(n string) bool { return all[n] == nil })
		for _, n := range t.needs {
			if err := g.Connect(n, name, source.Range{}); err != nil {
				return err
			}
		}
	}
	order, err := g.Order()
	for _, name := range order {
		w.targets = append(w.targets, all[name])
	}
	return err
}

// stage is a stage of the plan.
func (w *writer) stage(n *plan.Node, names map[string]string) (*target, error) {
	t := &target{name: names[n.Address], node: n, spec: attempt.Describe(n, nil), secrets: n.Secrets}
	t.about = n.Address + ": " + t.spec.Component
	if n.Container != nil {
		t.secrets = n.Container.Secrets
	}
	if n.Container != nil && !n.Builds() {
		var err error
		if t.image, err = w.imageOf(n, plan.ImagePort, names); err != nil {
			return nil, err
		}
		t.needs = append(t.needs, t.image.needed()...)
	}
	for _, in := range n.Inputs {
		if in.External != nil && in.External.Remote || n.Container != nil && in.Port == plan.ImagePort || n.Builds() && in.From != "" {
			continue // the stage gets it, runs in it or is built upon it
		}
		if err := w.input(t, in, names); err != nil {
			return nil, err
		}
	}
	if n.Builds() {
		var err error
		if t.build, err = w.builtBy(t, names); err != nil {
			return nil, err
		}
		for _, base := range t.build.bases {
			t.needs = append(t.needs, base.needed()...)
		}
		return t, nil
	}
	if n.Container != nil && n.Role != schema.PredictRole {
		for _, o := range n.Outputs {
			w.settled(t, o)
		}
	} else if n.Container != nil {
		for _, o := range n.Outputs {
			if o.Format != "" && o.Format != "parquet" {
				w.settled(t, o)
			}
		}
	}
	return t, nil
}

// input finds the folder that a port leads to.
func (w *writer) input(t *target, in plan.Input, names map[string]string) error {
	switch {
	case in.External != nil:
		root, err := w.copyExternal(t, in.External)
		if err != nil {
			return fmt.Errorf("input %s of %s: %w", in.Port, t.spec.Address, err)
		}
		i := input{port: in.Port, path: root}
		if in.Port == schema.CodePort && t.node.Container != nil {
			i.code = in.External
		}
		t.inputs = append(t.inputs, i)
		return nil
	case in.From == "" || names[in.From] == "" || w.plan.Node(in.From) == nil:
		return w.object(t, in)
	}
	t.needs = append(t.needs, names[in.From])
	from := path.Join("work", names[in.From], "out", in.FromPort)
	if i := slices.IndexFunc(w.plan.Node(in.From).Outputs, func(o plan.Output) bool { return o.Port == in.FromPort }); i >= 0 && figures(w.plan.Node(in.From).Outputs[i].Type) {
		from = path.Join("work", names[in.From], "out")
	}
	if in.Format == "" || in.Format == "parquet" {
		t.inputs = append(t.inputs, input{port: in.Port, path: from})
		return nil
	}
	t.rewrites = append(t.rewrites, rewrite{name: t.name + "." + in.Port, from: from, to: "in/" + in.Port})
	return w.describeRewrite(t.name+"."+in.Port, tableConfig{From: "parquet", To: in.Format}, in.Shape)
}

// settled has a table that a program wrote brought into the form that is stored.
func (w *writer) settled(t *target, o plan.Output) {
	if o.Type != schema.TablePort || o.Shape == nil || o.Shape.Table == nil {
		return
	}
	t.rewrites = append(t.rewrites, rewrite{name: t.name + "." + o.Port, from: "out/" + o.Port, to: "out/" + o.Port, after: true})
}

// figures reports whether a port carries metrics.json, which lies in out/ itself.
func figures(t schema.PortType) bool { return t == schema.FiguresPort || t == schema.VerdictPort }

// verdict is the target that decides rules: of a gate, or of a check, whose own stage is then check.
func (w *writer) verdict(name, address, check string, r *plan.Rules, names map[string]string) (*target, error) {
	c := rulesConfig{Check: check, Rules: r, Ports: map[string]string{}}
	t := &target{name: name, about: "the rules of " + address}
	read := func(node string) {
		n := names[node]
		if n == "" || c.Ports[node] != "" {
			return
		}
		c.Ports[node] = n
		t.needs = append(t.needs, n)
		t.inputs = append(t.inputs, input{port: n, path: path.Join("work", n, "out")})
	}
	if check != "" {
		read(check)
	}
	for _, f := range r.Figures {
		if !f.Absent {
			read(f.Node)
		}
	}
	config, err := json.Marshal(c)
	t.spec = component.Spec{Protocol: component.Protocol, Address: address, Component: rulesName, Version: 1, Config: config,
		In: map[string]schema.Shape{}, Out: map[string]schema.Shape{"verdict": {Type: schema.VerdictPort}}}
	for _, in := range t.inputs {
		t.spec.In[in.port] = schema.Shape{Type: schema.FiguresPort}
	}
	return t, err
}

// mirrored is where files outside lie in the folder: below module/ under their names in the module, others below outside/.
func (w *writer) mirrored(root string) string {
	rel := filepath.ToSlash(root)
	if filepath.IsAbs(root) {
		if r, err := filepath.Rel(w.Module, root); err == nil {
			rel = filepath.ToSlash(r)
		}
	}
	rel = path.Clean(rel)
	if path.IsAbs(rel) || rel == ".." || strings.HasPrefix(rel, "../") {
		return path.Join("outside", strings.Trim(strings.ReplaceAll(rel, "../", "up/"), "/"))
	}
	return path.Join("module", rel)
}
