package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// consistent makes sure that a plan means what it says: that every digest in it is that of what stands beside it, and that
// what stands at two places is the same at both. Else what ran would be one thing, and what is recorded, and taken for
// the result of honest plans from then on, another. What only people read, such as causes, changes and figures, follows from more
// than a plan has: planner.Again looks at it where the state is.
func (p *Plan) consistent() error {
	c := &consistency{p: p, nodes: map[string]*Node{}, gates: map[string]*Gate{}, releases: map[string]*Release{}, samples: map[string]*SampledSource{}, hypotheses: map[string]bool{}}
	for _, n := range p.Nodes {
		if c.nodes[n.Address] != nil {
			return fmt.Errorf("%s stands in it twice", n.Address)
		}
		c.nodes[n.Address] = n
	}
	for _, g := range p.Gates {
		if c.gates[g.Address] != nil {
			return fmt.Errorf("%s stands in it twice", g.Address)
		}
		c.gates[g.Address] = g
	}
	for _, r := range p.Releases {
		if c.releases[r.Address] != nil {
			return fmt.Errorf("the release of %s stands in it twice", r.Address)
		}
		c.releases[r.Address] = r
	}
	if err := c.sample(); err != nil {
		return err
	}
	for _, at := range p.Targets {
		if c.nodes[at] == nil && c.releases[at] == nil {
			return fmt.Errorf("the target %s does not stand in it", at)
		}
	}
	for _, n := range p.Nodes {
		if n.Verdict == Remove { // what is recorded goes, whatever it was
			continue
		}
		if err := c.node(n); err != nil {
			return fmt.Errorf("%s: %w", n.Address, err)
		}
	}
	for _, g := range p.Gates {
		if err := c.gate(g); err != nil {
			return fmt.Errorf("%s: %w", g.Address, err)
		}
	}
	for _, h := range p.Hypotheses {
		if err := c.hypothesis(h); err != nil {
			return fmt.Errorf("a hypothesis of %s: %w", h.Problem, err)
		}
	}
	for _, r := range p.Releases {
		if err := c.release(r); err != nil {
			return fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	return nil
}

// consistency is a plan that is looked at, with its parts by address. The checks of a part may ask for any other part, so that all are known
// before the first check.
type consistency struct {
	p          *Plan
	nodes      map[string]*Node
	gates      map[string]*Gate
	releases   map[string]*Release
	samples    map[string]*SampledSource // by source
	hypotheses map[string]bool           // that were looked at, by key
}

// differs says that a digest is not that of what it is said to be of.
func differs(what string, said, is Digest) error {
	return fmt.Errorf("its %s is %s, and what the plan says of it has %s", what, said.Short(), orNone(is))
}

// orNone is a digest in short, or a word for an empty one.
func orNone(d Digest) string {
	if d == "" {
		return "none"
	}
	return d.Short()
}

// node holds a stage to what it says: sorted ports, digests of inputs that are those of what they come from, its own
// definition and fingerprint. A forger who changes a configuration and recomputes plan_id is met here; one who
// recomputes the definition as well has only made an honest plan of something else, which planner.Again and the
// reviewer see.
func (c *consistency) node(n *Node) error {
	inputs, known := map[string]Digest{}, true
	for i := range n.Inputs {
		in := &n.Inputs[i]
		if i > 0 && n.Inputs[i-1].Port >= in.Port || in.Port == "" {
			return fmt.Errorf("its inputs are not sorted by port, or two have one")
		}
		if err := c.input(n, in); err != nil {
			return fmt.Errorf("input %s: %w", in.Port, err)
		}
		inputs[in.Port], known = in.Digest, known && in.Digest != ""
	}
	for i := range n.Outputs {
		if i > 0 && n.Outputs[i-1].Port >= n.Outputs[i].Port || n.Outputs[i].Port == "" {
			return fmt.Errorf("its outputs are not sorted by port, or two have one")
		}
		if n.Verdict.Known() && n.Outputs[i].Digest == "" {
			return fmt.Errorf("it is to be known already, and nothing is said of its %s", n.Outputs[i].Port)
		}
	}
	if err := c.derived(n); err != nil {
		return err
	}
	if err := c.sampled(n); err != nil {
		return err
	}
	if len(n.Secrets) > 0 && n.Remote() == nil {
		return fmt.Errorf("it is handed secrets, and fetches nothing")
	}
	if err := n.imageFormed(); err != nil {
		return err
	}
	definition, err := n.Define()
	if err != nil {
		return err
	}
	if definition != n.Definition {
		return differs("definition", n.Definition, definition)
	}
	fingerprint := Digest("")
	if known {
		fingerprint = Fingerprint(definition, inputs)
	}
	accepted := n.Accepted != nil && n.Fingerprint == n.Replaces // that of the result which is taken; the store knows what it is of
	if n.Fingerprint != fingerprint && !accepted && n.Verdict != Blocked {
		return differs("fingerprint", n.Fingerprint, fingerprint)
	}
	if n.Verdict.Known() && n.Fingerprint == "" {
		return fmt.Errorf("it is to be known already, and has no fingerprint")
	}
	if n.Gate != "" && (!slices.Contains(n.After, n.Gate) || c.releases[n.Address] == nil || c.releases[n.Address].Gate != n.Gate) {
		return fmt.Errorf("it is said to be held by %s, and its release is not", n.Gate)
	}
	if n.Rules != nil && !slices.Equal(n.Rules.Figures, []FigureSource{{Node: n.Address}}) {
		return fmt.Errorf("its rules read other figures than its own")
	}
	return c.scored(n)
}

// input is that of one of the plan's stages, of files outside, or the model that is live where it is scored again.
// A digest can be made again of what stands beside it (files, a version, what another stage yields): a plan whose parts
// do not agree was changed by hand, or written by a program with a fault.
func (c *consistency) input(n *Node, in *Input) error {
	switch {
	case in.External != nil && in.External.Remote:
		fetch, image := n.Fetches() && n.Kind == schema.FetchKind && n.Container == nil, n.Container != nil && (in.Port == ImagePort || n.Builds())
		if !fetch && !image || in.From != "" || len(in.External.Files) > 0 {
			return fmt.Errorf("what lies elsewhere is read by fetches only, and images are run by stages of somebody's own")
		}
		if digest := VersionDigest(in.External.Version); digest != in.Digest {
			return differs("digest", in.Digest, digest)
		}
		return nil
	case in.External != nil:
		digest, err := ExternalDigest(in.External.Files)
		if err != nil {
			return err
		}
		if root := in.External.Root; path.Clean(root) != root {
			return fmt.Errorf("the folder of its files is written %q", root)
		}
		if address.Module(n.Address) == "" && in.External.Dir != "" { // else its path would mean other files, or none
			return fmt.Errorf("its path is relative to %q, and its block stands in the root module", in.External.Dir)
		}
		if in.From != "" || n.Container != nil && in.Port != schema.CodePort {
			return fmt.Errorf("files from outside are read by sources, and code by stages of somebody's own")
		}
		if digest != in.Digest {
			return differs("digest", in.Digest, digest)
		}
		return nil
	case in.From == "":
		if !c.takesLive(n) || in.Shape == nil || in.Shape.Type != schema.ModelPort {
			return fmt.Errorf("the plan does not say where it comes from")
		}
		live := func(r *Release) bool { return r.Current != nil && r.Current.Model == in.Digest }
		if !slices.ContainsFunc(c.p.Releases, live) {
			return fmt.Errorf("no deployment has this model live")
		}
		return nil
	}
	digest, err := c.output(in.From, in.FromPort)
	if err == nil && digest != in.Digest {
		err = differs("digest", in.Digest, digest)
	}
	return err
}

// output is what a stage is known to yield at a port; empty while that is not known. A stage that is removed yields nothing, so nothing can come
// from it. The error says what is wrong with whoever takes it.
func (c *consistency) output(address, port string) (Digest, error) {
	n := c.nodes[address]
	if n == nil || n.Verdict == Remove {
		return "", fmt.Errorf("it comes from %s, which the plan does not have", address)
	}
	for _, o := range n.Outputs {
		if o.Port != port {
			continue
		}
		if !n.Verdict.Known() {
			return "", nil
		}
		return o.Digest, nil
	}
	return "", fmt.Errorf("it comes from %s, which yields no %q", address, port)
}

// takesLive reports whether a stage may read the model that is live: it scores the champion, or has it predict for one that does.
func (c *consistency) takesLive(n *Node) bool {
	of := c.nodes[n.Of]
	return n.Role == schema.ChampionRole || n.Role == schema.PredictRole && of != nil && of.Role == schema.ChampionRole
}

// derived makes sure that a stage's address says what it is derived from, and that this is there.
func (c *consistency) derived(n *Node) error {
	if of, role := address.Of(n.Address); role == "" && (n.Of != "" || n.Role != "") || role != "" && (n.Of != of || string(n.Role) != address.Role(role)) {
		return fmt.Errorf("it is said to be derived of %q in the role %q, and its address says otherwise", n.Of, n.Role)
	}
	return nil
}

// scored makes sure that a foreign stage says how its model is scored, in the image that made it, and that an opaque model is scored
// as the stage says that makes it.
func (c *consistency) scored(n *Node) error {
	if s := n.Scoring; (s != nil) != (n.Container != nil && n.makesModel()) {
		return fmt.Errorf("it does not say how its model is scored, or makes none that needs it")
	} else if s != nil {
		same := Container{}
		if s.Container != nil {
			same = *s.Container
		}
		same.Command = n.Container.Command
		if !reflect.DeepEqual(&same, n.Container) || !reflect.DeepEqual(s.Image, n.Image()) {
			return fmt.Errorf("its model is scored in another image than it is made in")
		}
	}
	if n.Role != schema.PredictRole {
		return nil
	}
	var maker *Node
	for _, in := range n.Inputs {
		if in.Shape != nil && in.Shape.Type == schema.ModelPort {
			maker = c.nodes[in.From]
		}
	}
	if maker == nil || maker.Scoring == nil {
		return nil // the model is given
	}
	if is := (&Scoring{Version: n.Version, Config: n.Config, Container: n.Container, Image: n.Image(), Code: n.Code()}); !maker.Scoring.same(is) {
		return differs("command, image, or what it is told,", is.sum(), maker.Scoring.sum())
	}
	return nil
}

// gate holds a gate to what it says: its definition, what it is cached for, and where its rules read figures.
// A gate that is said to be decided already would let pass without a question; so it must be the very gate that was
// decided, for the very model that is live.
func (c *consistency) gate(g *Gate) error {
	definition, err := g.Define()
	if err != nil {
		return err
	}
	if definition != g.Definition {
		return differs("definition", g.Definition, definition)
	}
	if g.Cached && g.Replaces != g.Definition {
		former, err := g.Former(c.p.Moves).Define()
		if err != nil {
			return err
		}
		if former != g.Replaces {
			return fmt.Errorf("it is said to be decided already, and was decided by other rules")
		}
	}
	for _, r := range c.p.Releases { // a former decision lets pass what is live, or on its way to be, and nothing else
		if g.Cached && r.Gate == g.Address && r.Action != RemoveRelease && r.Sample == "" && (r.Current == nil || !r.Current.Is(r.Model.Digest, r.Scoring) && !r.Current.Newest().Is(r.Model.Digest, r.Scoring)) {
			return fmt.Errorf("it is said to be decided already, and %s has something else live", r.Address)
		}
	}
	for _, f := range g.Rules.Figures {
		if err := c.figures(g, f); err != nil {
			return err
		}
	}
	return c.champion(g)
}

// figures stand where rules would look for those of the stage that they are of. A path that led to other figures would have the rules of one
// evaluation decide by those of another. Those of evaluate.test stand at evaluate.test, and the field delta of evaluate.test@champion at
// evaluate.test.delta.
func (c *consistency) figures(g *Gate, f FigureSource) error {
	node, path, pick := f.Node, f.Path, ""
	if base, role := address.Of(node); role == string(schema.ChampionRole) {
		var ok bool
		node, pick = base, "delta"
		path, ok = strings.CutSuffix(path, ".delta")
		if !ok {
			return fmt.Errorf("the figures at %s are those of %s", f.Path, f.Node)
		}
		if wanted := g.Champion != nil && g.Champion.Comparable && c.nodes[f.Node] != nil; f.Absent == wanted {
			return fmt.Errorf("the figures at %s are there or not as the champion can be compared with", f.Path)
		}
	} else if f.Absent {
		return fmt.Errorf("the figures at %s are said to be nobody's", f.Path)
	}
	node = strings.TrimPrefix(node, address.Module(g.Address))
	if f.Pick != pick || address.Path(node) != path {
		return fmt.Errorf("the figures at %s are those of %s", f.Path, f.Node)
	}
	return nil
}

// champion is what its deployment has live, and what rules are told of it.
// Rules see it as champion.exists and champion.comparable, and must not be told otherwise than the plan's reader is.
func (c *consistency) champion(g *Gate) error {
	var known struct {
		Champion *struct{ Exists, Comparable *bool }
	}
	if err := json.Unmarshal(g.Rules.Known, &known); err != nil {
		return fmt.Errorf("what its rules know cannot be read: %w", err)
	}
	x := g.Champion
	if x == nil {
		x = &Champion{}
	} else if r := c.releases[x.Deploy]; r != nil {
		if (r.Current != nil) != x.Exists || x.Exists && r.Current.Model != x.Model {
			return fmt.Errorf("its champion is not what %s has live", x.Deploy)
		}
		if comparable := r.Current != nil && c.p.Comparable(g.Address, x.Deploy, r.Current); comparable != x.Comparable {
			return fmt.Errorf("its champion is said to be comparable: %t, and by what the plan says of both models that is %t", x.Comparable, comparable)
		}
	}
	if k := known.Champion; k != nil && (k.Exists == nil || k.Comparable == nil || *k.Exists != (x.Exists && !x.Candidate) || *k.Comparable != x.Comparable) {
		return fmt.Errorf("its rules are told otherwise of the champion than the plan says")
	}
	return nil
}

// release holds a release to the stage of its model, to its gate, and to the action that follows from both.
// The action is decided once more from model, gate and what is live, and must come to the same.
func (c *consistency) release(r *Release) error {
	if r.Action == RemoveRelease {
		return nil
	}
	digest, err := c.output(r.Model.From, r.Model.FromPort)
	if err != nil {
		return err
	}
	if r.Sample != c.p.Share() {
		return fmt.Errorf("its model is said to be of the sample %q, and the plan is of %q", r.Sample, c.p.Share())
	}
	if digest != r.Model.Digest {
		return differs("model", r.Model.Digest, digest)
	}
	if r.Gate != "" && c.gates[r.Gate] == nil {
		return fmt.Errorf("it waits for %s, which the plan does not have", r.Gate)
	}
	if r.Node != "" && (r.Node != r.Address || c.nodes[r.Node] == nil) || r.Node == "" && c.nodes[r.Address] != nil {
		return fmt.Errorf("its stage is %q", r.Node)
	}
	if n := c.nodes[r.Node]; n != nil && n.Gate != r.Gate { // what waits is the stage, and what is told is the release
		return fmt.Errorf("it is held by %s, and its stage by %s", cmp.Or(r.Gate, "no gate"), cmp.Or(n.Gate, "none"))
	}
	if maker := c.nodes[r.Model.From]; maker.Container != nil && !r.Scoring.same(maker.Scoring) {
		return differs("way of scoring", r.Scoring.Digest(), maker.Scoring.Digest())
	}
	if err := c.writes(r); err != nil {
		return err
	}
	if s := r.Strategy; s != nil && !s.Valid() {
		return fmt.Errorf("its strategy is none: %q by %v", s.Role, s.Steps)
	}
	if blocked := c.nodes[r.Model.From].Verdict == Blocked; r.Action != r.Decide(blocked) {
		return fmt.Errorf("its action is %s, and by what the plan says it is %s", r.Action, r.Decide(blocked))
	}
	return nil
}

// Decide says what a release does, compared with what is live. blocked tells that the model's stage is. The planner and
// the check of saved plans ask the same, so that no plan can say otherwise.
func (r *Release) Decide(blocked bool) ReleaseAction {
	switch {
	case r.Sample != "":
		return NoRelease
	case r.Current == nil:
		return CreateRelease
	case r.Holds() != nil: // it was rolled back
		return NoRelease
	}
	newest := r.Current.Newest()
	switch {
	case !sameJSON(newest.Config, r.Config), newest.Gate != r.Gate: // what holds it is part of what is asked for
		return ChangeRelease
	case blocked:
		return NoRelease
	case !r.Scoring.known():
		return MayRelease
	case newest.Scoring.Digest() != r.Scoring.Digest(): // whatever the model is, it is used otherwise
		return ChangeRelease
	case r.Model.Digest == "":
		return MayRelease
	case r.Model.Digest != newest.Model:
		return ChangeRelease
	}
	return NoRelease
}

// sameJSON reports whether two texts say the same; an absent one is an empty object.
func sameJSON(a, b json.RawMessage) bool {
	if len(a) == 0 {
		a = json.RawMessage("{}")
	}
	if len(b) == 0 {
		b = json.RawMessage("{}")
	}
	x, errX := Canonical(a)
	y, errY := Canonical(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
