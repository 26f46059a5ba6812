package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// A plan says what each stage is, what each gate asks and what each deployment would release. All else in it follows from that, from
// the state that it was made against and from recorded results: verdicts, causes, changes, what rules come to, figures. Whoever
// approves it goes by these, so what follows is made once more, by the functions that made it, and compared.
//
// There is no text of a module then. What the plan says of stages, gates and deployments becomes blocks again (again_module.go), which are
// checked as those of a module are: components say anew what flows, what is derived and what runs. What only a module's text says is
// taken from the plan (saved).

// AgainOptions are what a saved plan is planned once more with, to see that it is what the planner would have made (Again).
type AgainOptions struct {
	Catalog *schema.Catalog
	Library check.Library
	Rules   *rule.Cache
	State   *plan.State  // of the plan's base
	Own     *plan.State  // what the plan's workspace itself had recorded, where State is that of its upstream; else nil
	Actions Actions      // what is recorded now
	Sample  *schema.Type // of the component that samples rows
	// Withheld is the detail of a warning whose own would name columns of files that are not quoted.
	Withheld string
}

// ForgedError is returned for a saved plan that is not what the planner makes of the stages, gates and deployments in it. Why names the
// first difference.
type ForgedError struct{ Why string }

func (e *ForgedError) Error() string {
	return "the plan does not say what would be planned of what is in it: " + e.Why
}

// GoneError is returned for a saved plan that takes the result of a stage for known while its action is not in the store. The plan may
// be sound, but cannot be compared.
type GoneError struct{ Address string }

func (e *GoneError) Error() string {
	return e.Address + ": the record of its result is no longer in the store, so that what the plan says of it cannot be compared"
}

// Again makes sure that a saved plan is one that is made of what it says of stages, gates and deployments, and returns
// these as the module that they are. A ForgedError says what is not so, a GoneError that it cannot be found out. Any
// other error is of reading what is recorded. p is not changed.
func Again(ctx context.Context, p *plan.Plan, o AgainOptions) (*check.Module, error) {
	s, err := remember(p, o)
	if err != nil {
		return nil, err
	}
	read, err := s.module(o.Catalog)
	if err != nil {
		return nil, &ForgedError{err.Error()}
	}
	m, warned := check.Check(ctx, read, o.Library)
	if warned.HasErrors() {
		return nil, &ForgedError{firstError(warned)}
	}
	var sample *Sample
	if p.Sample != nil {
		sample = &Sample{Share: p.Sample.Share, Type: o.Sample}
	}
	made := newPlanner(m, Options{Workspace: p.Workspace, Sample: sample, State: o.State, Own: o.Own, Actions: s, Sources: s, Rules: o.Rules, Force: s.forced, Targets: p.Targets})
	made.saved = s
	now, diags := made.plan(ctx)
	if diags.HasErrors() {
		return nil, &ForgedError{firstError(diags)}
	}
	return m, s.compare(now, append(warned, diags...))
}

// firstError is the first error among diagnostics, which have one.
func firstError(diags source.Diagnostics) string {
	i := slices.IndexFunc(diags, func(d source.Diagnostic) bool { return d.Severity == source.Error })
	return strings.TrimSpace(diags[i].Summary + " " + diags[i].Detail)
}

// saved is a plan that is made once more: what it says that nothing but the module's text does. As Sources and Actions
// it answers what those did when the plan was made. A nil *saved stands for planning from a module's text.
type saved struct {
	plan     *plan.Plan
	results  Actions
	withheld string

	nodes    map[string]*plan.Node
	forced   []string
	known    map[string]map[string]map[string]json.RawMessage // values that rules read, by block, namespace and name
	secrets  map[string][]plan.Secret                         // by address
	counted  map[string]bool                                  // approvals that counted, by "gate.release/risk"
	taken    map[plan.Digest]bool                             // fingerprints whose results the plan takes for known
	missing  map[plan.Digest]bool                             // fingerprints whose results it runs stages for
	recorded map[plan.Digest]bool                             // fingerprints that the state names
}

// remember takes out of a plan what planning anew has to be told. A result that the plan takes for known must be
// recorded.
func remember(p *plan.Plan, o AgainOptions) (*saved, error) {
	s := &saved{plan: p, results: o.Actions, withheld: o.Withheld, nodes: map[string]*plan.Node{},
		known: map[string]map[string]map[string]json.RawMessage{}, secrets: map[string][]plan.Secret{}, counted: map[string]bool{},
		taken: map[plan.Digest]bool{}, missing: map[plan.Digest]bool{}, recorded: map[plan.Digest]bool{}}
	for _, n := range o.State.Nodes {
		s.recorded[n.Fingerprint] = true
	}
	for _, n := range p.Nodes {
		s.nodes[n.Address] = n
		if n.Verdict == plan.Remove {
			continue
		}
		forced := slices.ContainsFunc(n.Causes, func(c plan.Cause) bool { return c.Kind == plan.ForcedCause })
		switch {
		case n.Verdict.Known():
			s.taken[n.Fingerprint] = true
			if _, ok, err := o.Actions.Action(n.Fingerprint); err != nil || !ok {
				return nil, &GoneError{n.Address}
			}
		case n.Fingerprint != "" && !forced:
			s.missing[n.Fingerprint] = true
		}
		if forced && !n.NoCache {
			s.forced = append(s.forced, n.Address)
		}
	}
	if err := s.handed(); err != nil {
		return nil, &ForgedError{err.Error()}
	}
	if err := s.values(); err != nil {
		return nil, &ForgedError{err.Error()}
	}
	for _, g := range p.Gates {
		for _, a := range g.Approvals {
			s.counted[g.Address+"/"+a.Name] = a.GivenBy != ""
		}
	}
	return s, nil
}

// handed notes where secrets are found. Each must be one that a secret block of the plan declares: a forged plan could
// have a stage be given a secret that no block hands to it.
func (s *saved) handed() error {
	for _, n := range s.plan.Nodes {
		at, handed := n.Address, n.Secrets
		switch {
		case n.Fetches():
			at = n.Of // whose block names it
		case n.Container == nil:
			continue
		default:
			handed = n.Container.Secrets
		}
		s.secrets[at] = handed
		for _, x := range handed {
			if !s.declared(x) {
				return fmt.Errorf("%s is given the secret %s, and no block says that it is found there", n.Address, x.Name)
			}
		}
	}
	for _, r := range s.plan.Releases {
		if len(r.Secrets) > 0 && r.Node != "" && s.nodes[r.Node] != nil && s.nodes[r.Node].Container == nil {
			s.secrets[r.Address] = r.Secrets
		}
		for _, x := range r.Secrets {
			if !s.declared(x) {
				return fmt.Errorf("%s is given the secret %s, and no block says that it is found there", r.Address, x.Name)
			}
		}
		if r.Action == plan.RemoveRelease || r.Scoring == nil || r.Scoring.Container == nil {
			continue
		}
		s.secrets[r.Model.From] = r.Scoring.Container.Secrets
	}
	return nil
}

// declared reports whether a block says where a secret is found. A file is named as seen from the folder of the block's module.
func (s *saved) declared(x plan.Secret) bool {
	for at, text := range s.plan.Described {
		var says plan.Secret
		if address.Kind(at) != "secret" || schema.KeyedName(address.Name(at), address.Key(at)) != x.Name || json.Unmarshal(text, &says) != nil {
			continue
		}
		if says.Env == x.Env && (says.File == x.File || says.File != "" && address.Module(at) != "" && strings.HasSuffix(x.File, "/"+strings.TrimPrefix(says.File, "./"))) {
			return true
		}
	}
	return false
}

// External are the files that the plan says a source reads. Whether they are those is asked where it is applied
// (engine.Saved).
func (s *saved) External(_ context.Context, _, _, address string, _ json.RawMessage) (*plan.External, plan.Digest, error) {
	if n := s.nodes[address]; n != nil {
		for _, in := range n.Inputs {
			if in.External != nil {
				return in.External, in.Digest, nil
			}
		}
	}
	return nil, "", fmt.Errorf("nothing is said of its files")
}

// Code are the files that the plan says a stage reads, or a model is scored with.
func (s *saved) Code(_ context.Context, at string, _ []schema.Files) (*plan.External, plan.Digest, error) {
	if n := s.nodes[at]; n != nil {
		if in := n.Input(schema.CodePort); in != nil && in.External != nil {
			return in.External, in.Digest, nil
		}
	}
	if n := s.nodes[address.Block(at)]; n != nil && n.Scoring != nil && n.Scoring.Code != nil {
		digest, err := plan.ExternalDigest(n.Scoring.Code.Files)
		return n.Scoring.Code, digest, err
	}
	return nil, "", fmt.Errorf("nothing is said of its code")
}

// Edited is the line that the plan shows: what stood there before is not in the plan.
func (s *saved) Edited(at string, in *plan.External, name string, _ plan.Digest) (before, after *plan.CodeLine) {
	n := s.nodes[at]
	if n == nil {
		return nil, nil
	}
	for _, c := range n.Causes {
		if c.Kind == plan.CodeCause && c.Path == path.Join(in.Root, name) {
			return codeLine(c.Before), codeLine(c.After)
		}
	}
	return nil, nil
}

// codeLine is a line of code that a cause has; nil if it has a digest, or nothing.
func codeLine(text json.RawMessage) *plan.CodeLine {
	l := &plan.CodeLine{}
	if json.Unmarshal(orEmpty(text), l) != nil || l.Line == 0 {
		return nil
	}
	return l
}

// Action is what was recorded when the plan was made: what it takes for known, and what the state names. What turned up since was not.
func (s *saved) Action(fingerprint plan.Digest) (*plan.Action, bool, error) {
	if s.taken[fingerprint] || s.recorded[fingerprint] && !s.missing[fingerprint] {
		return s.results.Action(fingerprint)
	}
	return nil, false, nil
}

// moves are the former addresses that the plan has; nil without a plan.
func (s *saved) moves(st *plan.State) []plan.Move {
	if s == nil || len(s.plan.Moves) == 0 {
		return nil
	}
	return pending(slices.Clone(s.plan.Moves), st)
}

// compare fails with the first difference between the saved plan and the one that was made once more from its parts (ForgedError).
// What is taken from the saved plan as it says is what this comparison cannot know: variables and the digest of the
// files, which were not read again. Places in files are left out for the same reason. All else must be equal to the byte
// in its canonical form, so that a plan cannot be edited into one that runs less or lets more pass. Warnings may be more
// than now, since some come of files, but none that is due may be missing.
func (s *saved) compare(now *plan.Plan, diags source.Diagnostics) error {
	for _, d := range diags {
		if d.Code == source.CodeApprover || d.Code == source.CodeAcceptStale { // of the operator's file, and of a block that the plan does not have
			continue
		}
		if !slices.ContainsFunc(s.plan.Diagnostics, func(x plan.Diagnostic) bool {
			return x.Code == d.Code && s.says(x.Summary, d.Summary) && s.says(x.Detail, d.Detail) && s.says(x.Hint, d.Hint)
		}) {
			return &ForgedError{"it does not warn: " + d.Summary}
		}
	}
	said, made := *s.plan, *now
	made.FormatVersion, made.ID, made.Pipeline, made.ConfigDigest, made.Envelope = said.FormatVersion, said.ID, said.Pipeline, said.ConfigDigest, said.Envelope
	made.Variables, made.Diagnostics = said.Variables, said.Diagnostics
	if made.Outputs = said.Outputs; !s.outputs() {
		return &ForgedError{"an output is not what the block that it is of yields"}
	}
	for _, p := range []*plan.Plan{&said, &made} {
		placeless(p)
	}
	x, err := tree(&said)
	if err != nil {
		return err
	}
	y, err := tree(&made)
	if err != nil {
		return err
	}
	if at := unlike(x, y, ""); at != "" {
		return &ForgedError{at}
	}
	return nil
}

// says reports whether a text of a warning says what it would. Where data lies outside, names of columns are left out of what is told: each is
// "…" then, or the text that has it is gone, or is another that tells why.
func (s *saved) says(said, made string) bool {
	if said == made {
		return true
	}
	if !s.namesColumn(made) || said == "" || said == s.withheld {
		return s.namesColumn(made)
	}
	x, y := strings.Fields(said), strings.Fields(made)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] && !(strings.Contains(x[i], "…") && s.namesColumn(y[i])) {
			return false
		}
	}
	return len(x) == len(y)
}

// namesColumn reports whether a word of a text is the name of a column that a table of the plan has, in whatever capitals.
func (s *saved) namesColumn(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return slices.ContainsFunc(words, func(name string) bool {
		return slices.ContainsFunc(s.plan.Nodes, func(n *plan.Node) bool {
			return slices.ContainsFunc(n.Outputs, func(o plan.Output) bool {
				return o.Shape != nil && o.Shape.Table != nil && o.Shape.Table.Column(name) != nil
			})
		})
	})
}

// outputs reports whether those that show what a block yields show that.
// An output of a literal value is not looked at: nothing is decided by it.
func (s *saved) outputs() bool {
	for _, o := range s.plan.Outputs {
		if o.From == "" {
			continue
		}
		n := s.nodes[o.From]
		if n == nil {
			continue // a block without a stage, of which there is nothing to show
		}
		is, there := json.RawMessage("null"), false
		for _, port := range n.Outputs {
			if port.Port != o.FromPort {
				continue
			}
			if there = true; n.Verdict.Known() && port.Digest != "" {
				is = text(string(port.Digest))
			}
		}
		if !there || string(canonical(o.Value)) != string(is) {
			return false
		}
	}
	return true
}

// placeless takes out where things are written in files: no plan and no state can tell. The plan is copied as far as it
// is changed, so that the caller's keeps its places.
func placeless(p *plan.Plan) {
	p.Nodes, p.Gates, p.Releases = slices.Clone(p.Nodes), slices.Clone(p.Gates), slices.Clone(p.Releases)
	p.Changes, p.Moves = slices.Clone(p.Changes), slices.Clone(p.Moves)
	rules := func(r plan.Rules) plan.Rules {
		r.Rules = slices.Clone(r.Rules)
		for i := range r.Rules {
			r.Rules[i].Range = source.Range{}
		}
		return r
	}
	for i, n := range p.Nodes {
		x := *n
		if x.Range = (source.Range{}); x.Rules != nil {
			r := rules(*x.Rules)
			x.Rules = &r
		}
		p.Nodes[i] = &x
	}
	for i, g := range p.Gates {
		x := *g
		x.Range, x.Rules, x.Approvals = source.Range{}, rules(x.Rules), slices.Clone(x.Approvals)
		for k := range x.Approvals {
			x.Approvals[k].Range = source.Range{}
		}
		p.Gates[i] = &x
	}
	for i, r := range p.Releases {
		x := *r
		if x.Range = (source.Range{}); x.Rules != nil {
			r := rules(*x.Rules)
			x.Rules = &r
		}
		p.Releases[i] = &x
	}
	p.Hypotheses = slices.Clone(p.Hypotheses)
	for i, h := range p.Hypotheses {
		x := *h
		x.Rules = rules(x.Rules)
		p.Hypotheses[i] = &x
	}
	for i := range p.Changes {
		p.Changes[i].Range = source.Range{}
	}
	for i := range p.Moves {
		p.Moves[i].Range = source.Range{}
	}
}

// tree is a plan as its JSON has it.
func tree(p *plan.Plan) (v any, err error) {
	data, err := plan.Canonical(p)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	return v, err
}

// unlike says where two trees differ first, by key and then by element; empty if they do not. said is the saved one's.
// Such as "nodes[train.model].verdict is "cached", and would be "run"".
func unlike(said, made any, at string) string {
	if reflect.DeepEqual(said, made) {
		return ""
	}
	switch x := said.(type) {
	case map[string]any:
		y, ok := made.(map[string]any)
		if !ok {
			break
		}
		all := map[string]bool{}
		for k := range x {
			all[k] = true
		}
		for k := range y {
			all[k] = true
		}
		for _, k := range sortedKeys(all) {
			if why := unlike(x[k], y[k], strings.TrimPrefix(at+"."+k, ".")); why != "" {
				return why
			}
		}
	case []any:
		y, ok := made.([]any)
		if !ok {
			break
		}
		for i := range max(len(x), len(y)) {
			var a, b any
			if i < len(x) {
				a = x[i]
			}
			if i < len(y) {
				b = y[i]
			}
			if why := unlike(a, b, at+"["+elementName(a, b, i)+"]"); why != "" {
				return why
			}
		}
	}
	return fmt.Sprintf("%s is %s, and would be %s", at, brief(said), brief(made))
}

// elementName is what an element of a list is called: by its address, else its name, else its place.
func elementName(a, b any, i int) string {
	x, ok := a.(map[string]any)
	if !ok {
		x, _ = b.(map[string]any)
	}
	for _, key := range []string{"address", "name"} {
		if s, ok := x[key].(string); ok {
			return s
		}
	}
	return fmt.Sprint(i)
}

// brief is a value to be read, cut if it is long.
func brief(v any) string {
	if v == nil {
		return "not there"
	}
	const most = 80
	text := string(encode(v))
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
