package review

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Explain says why a block of a plan would run, pass, be released or not. False, and nothing is written, if the plan
// has no block of that address. recorded is the state that the plan was made against, under the addresses of that time;
// moves of the plan are followed. Of a batch deployment both its stage and its release are explained.
// threads is on how many the block's queries run, empty where it has none.
func Explain(w io.Writer, p *plan.Plan, recorded *plan.State, address, threads string, o render.Options) (bool, error) {
	t := &text{Printer: render.Printer{Options: o}}
	recorded = recorded.Renamed(p.Moves)
	found := false
	if n := p.Node(address); n != nil {
		found = true
		var old *plan.NodeState
		if s, ok := recorded.Nodes[address]; ok {
			old = &s
		}
		t.explainNode(p, n, old, threads)
	}
	for _, g := range p.Gates {
		if g.Address == address {
			found = true
			t.explainGate(p, g)
		}
	}
	for _, r := range p.Releases {
		if r.Address == address {
			found = true
			t.explainRelease(r)
		}
	}
	if from := p.MovedFrom(address); from != "" {
		t.Line("\nWhat is recorded of %s moves here.", render.Line(from))
	}
	_, err := io.WriteString(w, t.String())
	return found, err
}

// explainNode tells a stage's verdict and causes, on how many threads its queries run, then its parts as recorded and as they are now. old is nil where
// nothing is recorded:
//
//	$ mlp explain train.model
//	+ train.model: runs. No result with this fingerprint is recorded.
//	  because  params.trees of train.model  100 → 200
//
//	Fingerprint
//	                  recorded  now
//	  ≠ params.trees  100       200
func (t *text) explainNode(p *plan.Plan, n *plan.Node, old *plan.NodeState, threads string) {
	t.Line("%s %s: %s", t.Paint(graph.VerdictMarks[n.Verdict].Style(), graph.VerdictMarks[n.Verdict].Sign()), t.Paint(render.Bold, render.Line(n.Address)), reasonOf(n))
	for _, why := range render.CauseTexts(render.Line(n.Address), n.Causes) {
		t.Line("  because  %s", why)
	}
	if a := n.Accepted; a != nil {
		t.Line("  accepted   made as definition %s; %s", render.Line(a.Was.Short()), acceptedWhy(a))
	}
	if n.Verdict == plan.MayRun || n.Verdict == plan.Run {
		t.waits(p, n)
	}
	for _, r := range rootsOf(p, n.Address) {
		t.Line("  caused by  %s", r)
	}
	if threads != "" {
		t.Line("  runs on    %s", render.Line(threads))
	}
	now, before := nodeParts(n), stateParts(old)
	t.sideBySide(now, before, old != nil)
	if old != nil && old.Definition != n.Definition && sameButDigests(now, before) {
		t.Line("    The definition differs in the columns or features that flow in.")
	}
	if n.Rules != nil && len(n.Rules.Rules) > 0 {
		t.Title("Rules")
		t.explainRules(n.Rules.Rules)
	}
}

// reasonOf is the verdict in a sentence.
// A verdict of a later version is written as it is.
func reasonOf(n *plan.Node) string {
	switch n.Verdict {
	case plan.Cached:
		return "does not run. A result with this fingerprint is recorded."
	case plan.Metadata:
		return "does not run. Only what decides no result has changed."
	case plan.Moved:
		return "does not run. It is recorded under another address, and moves here."
	case plan.Accepted:
		return "does not run. The recorded result of another definition is accepted."
	case plan.Run:
		if n.Fingerprint == "" {
			return "runs. Whatever flows in, nothing is recorded of what it is now."
		}
		return "runs. No result with this fingerprint is recorded."
	case plan.MayRun:
		return "may run. Its own definition is as recorded; if what flows in turns out the same, it is spared."
	case plan.Blocked:
		return "is blocked. Something that must succeed first is known to fail."
	case plan.Remove:
		return "is removed. It is recorded, and stands in the module no more."
	}
	return render.Line(string(n.Verdict))
}

// waits names the inputs that are not known before something else has run.
// For an input that another stage makes it is that stage with its verdict, "waits for train.m (may run)"; for one from
// elsewhere where it lies.
func (t *text) waits(p *plan.Plan, n *plan.Node) {
	var names []string
	trials := map[string]int{}
	for _, in := range n.Inputs {
		if in.Digest == "" && in.From != "" {
			name := in.From
			if up := p.Node(in.From); up != nil && up.Role == schema.TrialRole {
				trials[graph.VerdictWords[up.Verdict]]++
				continue
			}
			if up := p.Node(in.From); up != nil {
				name += " (" + graph.VerdictWords[up.Verdict] + ")"
			}
			names = append(names, name)
		}
		if in.Digest == "" && in.External != nil {
			names = append(names, in.External.Root)
		}
	}
	for _, verdict := range slices.Sorted(maps.Keys(trials)) {
		names = append(names, fmt.Sprintf("%d %s (%s)", trials[verdict], render.Plural(trials[verdict], "trial", "trials"), verdict))
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 0 {
		t.Line("  waits for  %s", strings.Join(render.Clean(names), ", "))
	}
}

// rootsOf are the root causes elsewhere that make a stage run, in the plan's order of weight.
func rootsOf(p *plan.Plan, address string) []string {
	var out []string
	for _, c := range p.Changes {
		if c.Address != address && (slices.Contains(c.Runs, address) || slices.Contains(c.MayRun, address)) {
			out = append(out, render.CauseText(render.Line(c.Address), c.Cause))
		}
	}
	return out
}

// parts of a fingerprint, in their order: each a name and a value, both ready to be shown.
//
//	component         train.gradient_boosting@4
//	params.trees      200
//	input data        split.fixed:train (b2bf27)
//	definition        9c1f02
//	fingerprint       dc5e49
//
// The definition is the digest of all above it without the contents of inputs, the fingerprint that of the definition and those.
type parts struct {
	names  []string          // in the order in which they were added
	values map[string]string // by name
}

// add keeps the order in which names came; a value that is empty is no part.
func (x *parts) add(name, value string) {
	if value == "" {
		return
	}
	if x.values == nil {
		x.values = map[string]string{}
	}
	if _, ok := x.values[name]; !ok {
		x.names = append(x.names, name)
	}
	x.values[name] = value
}

// nodeParts is what goes into a stage's fingerprint as planned, in the order of spec/plan.md; inputs that have yet to
// be made have no digest, and are "not known yet".
func nodeParts(n *plan.Node) *parts {
	x := &parts{}
	x.add("component", component(n.Kind, n.Type, n.Version))
	x.add("engine", render.Line(n.Engine))
	x.config(n.Config)
	x.container(n.Container)
	for _, in := range n.Inputs {
		digest := "not known yet"
		if in.Digest != "" {
			digest = render.Line(in.Digest.Short())
		}
		x.add("input "+render.Line(in.Port), inputText(in.From, in.FromPort, in.External)+" ("+digest+")")
	}
	x.add("definition", render.Line(n.Definition.Short()))
	fingerprint := "not known yet"
	if n.Fingerprint != "" {
		fingerprint = render.Line(n.Fingerprint.Short())
	}
	x.add("fingerprint", fingerprint)
	return x
}

// stateParts is the same of what is recorded. Its names must be those of nodeParts, since both are set side by side by name.
// Of a stage that was never recorded it is empty, and every part of now is new.
func stateParts(s *plan.NodeState) *parts {
	x := &parts{}
	if s == nil {
		return x
	}
	x.add("component", component(s.Kind, s.Type, s.Version))
	x.add("engine", render.Line(s.Engine))
	x.config(s.Config)
	x.container(s.Container)
	for _, port := range slices.Sorted(maps.Keys(s.Inputs)) {
		from, fromPort, _ := strings.Cut(s.Wiring[port], ":")
		x.add("input "+render.Line(port), inputText(from, fromPort, s.External[port])+" ("+s.Inputs[port].Short()+")")
	}
	x.add("definition", render.Line(s.Definition.Short()))
	x.add("fingerprint", render.Line(s.Fingerprint.Short()))
	return x
}

// sameButDigests reports whether all parts of a definition that are shown are the same: then the definitions can only
// differ in the columns or features that flow in, which are too long to show.
func sameButDigests(a, b *parts) bool {
	for _, name := range slices.Concat(a.names, b.names) {
		if name != "definition" && name != "fingerprint" && !strings.HasPrefix(name, "input ") && a.values[name] != b.values[name] {
			return false
		}
	}
	return true
}

// component is a stage's component as "train.gradient_boosting@4".
func component(kind, typ string, version int) string {
	if typ != "" {
		kind += "." + typ
	}
	return render.Line(fmt.Sprintf("%s@%d", kind, version))
}

// config adds each leaf of a configuration: a row that differs is then one attribute, not the whole text.
func (x *parts) config(config json.RawMessage) {
	leaves := diff.Leaves(config)
	for _, path := range slices.Sorted(maps.Keys(leaves)) {
		x.add(render.Line(path), render.FullValue(leaves[path]))
	}
}

// container adds what a container runs; its image is among the inputs.
func (x *parts) container(c *plan.Container) {
	if c == nil {
		return
	}
	x.add("container command", strings.Join(c.Command, " "))
}

// inputText says where an input comes from: "split.s:train", "12 files in data", "postgres://db/sales = 2026-01-31".
// "recorded" is an input whose stage the state does not name, as of a value that was moved or of an older version's
// record.
func inputText(from, port string, files *plan.External) string {
	switch {
	case files != nil && files.Version == "" && files.Remote:
		return render.Line(files.Root)
	case files != nil && files.Remote:
		return render.Line(files.Root) + " = " + render.ShortVersion(files.Version)
	case files != nil:
		return fmt.Sprintf("%d %s in %s", len(files.Files), render.Plural(len(files.Files), "file", "files"), render.Line(files.Root))
	case from == "":
		return "recorded"
	case port == "":
		return render.Line(from)
	}
	return render.Line(from) + ":" + render.Line(port)
}

// sideBySide writes parts in two columns, those that differ marked. Without a recorded side there is one column. Parts
// that are no more stand before the inputs, among the attributes that they were.
func (t *text) sideBySide(now, old *parts, recorded bool) {
	names := slices.Clone(now.names)
	at := len(names)
	if i := slices.IndexFunc(names, func(s string) bool { return s == "definition" || strings.HasPrefix(s, "input ") }); i >= 0 {
		at = i
	}
	for _, name := range old.names { // what is no more stands with the other attributes
		if _, ok := now.values[name]; !ok {
			names = slices.Insert(names, at, name)
		}
	}
	width, left := 0, render.Columns("recorded")
	told := map[string][2]string{}
	for _, name := range names {
		told[name] = side(old.values[name], now.values[name])
		width, left = max(width, render.Columns(name)), max(left, render.Columns(told[name][0]))
	}
	t.Title("Fingerprint")
	if !recorded {
		t.Line("  nothing is recorded yet")
		for _, name := range names {
			t.Line("    %s  %s", render.Pad(name, width), told[name][1])
		}
		return
	}
	t.Line("    %s  %s  %s", render.Pad("", width), t.Paint(render.Dim, render.Pad("recorded", left)), t.Paint(render.Dim, "now"))
	for _, name := range names {
		a, b := told[name][0], told[name][1]
		mark, s := " ", render.Dim
		switch {
		case old.values[name] == "":
			mark, s, a = "+", render.Green, "–"
		case now.values[name] == "":
			mark, s, b = "-", render.Red, "–"
		case old.values[name] != now.values[name]:
			mark, s = "≠", render.Yellow
		}
		t.Line("  %s %s  %s  %s", t.Paint(s, mark), render.Pad(name, width), render.Pad(a, left), b)
	}
}

// side is a value as recorded and as it is now, cut to what differs where both are long.
func side(old, now string) [2]string {
	if old != "" && now != "" && old != now {
		t := render.TextChange(old, now)
		return [2]string{t[0], t[1]}
	}
	return [2]string{render.Clipped(render.Line(old), render.LongestValue), render.Clipped(render.Line(now), render.LongestValue)}
}

// explainRules lists rules with every value that they read. "last time" are the figures of the last decision, beside a
// rule that is open now.
func (t *text) explainRules(rules []plan.Rule) {
	for _, r := range rules {
		mark, s := ruleMark(r.Verdict)
		warns := ""
		if r.Severity == "warn" {
			warns = ", only warns"
		}
		t.Line("  %s %s  (%s%s)", t.Paint(s, mark), render.Line(r.Name), render.Line(string(r.Verdict)), warns)
		t.Line("      assert    %s", render.Line(strings.Join(strings.Fields(r.Assert), " ")))
		if r.Residual != "" && r.Verdict == plan.Open {
			t.Line("      left      %s", render.Line(r.Residual))
		}
		for _, v := range r.Values {
			t.Line("      value     %s = %s", render.Line(v.Path), render.Value(v.Value))
		}
		for _, v := range r.Live {
			t.Line("      last time %s = %s", render.Line(v.Path), render.Value(v.Value))
		}
		if r.Reason != "" {
			t.Line("      reason    %s", render.Line(r.Reason))
		}
		if r.Message != "" {
			t.Line("      message   %s", render.Line(r.Message))
		}
	}
}

// explainGate writes all that a gate is decided by: what it waits for, what it compares with, results that were accepted or
// looked at before, each rule with its figures, and approvals.
func (t *text) explainGate(p *plan.Plan, g *plan.Gate) {
	mark, s := ruleMark(g.Verdict)
	t.Line("%s %s: %s", t.Paint(s, mark), t.Paint(render.Bold, render.Line(g.Address)), gateState(g))
	for _, c := range g.Causes {
		t.Line("  because  %s", render.CauseText(render.Line(g.Address), c))
	}
	for _, a := range g.After {
		t.Line("  after    %s%s", render.Line(a), map[bool]string{true: "  (failed)"}[slices.Contains(g.BlockedBy, a)])
	}
	if c := g.Champion; c != nil {
		t.Line("  champion %s  %s", render.Line(c.Deploy), championText(c))
	}
	for _, a := range g.Accepted {
		t.Line("  rests on an accepted result: %s", acceptedText(a, p.Node(a)))
	}
	for _, l := range g.Looks {
		t.Line("  %s", lookedText(l))
	}
	t.Title("Rules")
	t.explainRules(g.Rules.Rules)
	if len(g.Approvals) == 0 {
		return
	}
	t.Title("Approvals")
	for _, a := range g.Approvals {
		t.Line("  %s  of %s: %s", render.Line(a.Name), render.Line(strings.Join(a.From, ", ")), approvalState(a))
		if a.When != "" {
			t.Line("      asked for when %s", render.Line(strings.Join(strings.Fields(a.When), " ")))
		}
	}
}

// gateState is a gate's verdict in words: "fails, 1 of 2 rules".
func gateState(g *plan.Gate) string {
	switch {
	case g.Cached:
		return "passed before, on the same figures"
	case len(g.BlockedBy) > 0:
		return "blocked: " + strings.Join(render.Clean(g.BlockedBy), ", ") + " failed"
	}
	words := map[plan.RuleVerdict]string{plan.Pass: "passes", plan.Fail: "fails", plan.Open: "open", plan.RuleError: "error"}
	return words[g.Verdict] + ", " + graph.RulesWord(g.Rules.Rules, g.Verdict)
}

// approvalState says how far an approval is. Whether it is needed can be open, as rules are: its condition reads figures.
func approvalState(a plan.Approval) string {
	switch {
	case a.GivenBy != "":
		return "given by " + givenText(a)
	case a.Needed == plan.Pass:
		return "missing"
	case a.Needed == plan.Open:
		return "not known yet whether it is needed"
	}
	return "not needed"
}

// championText says what a gate compares with, or why with nothing.
func championText(c *plan.Champion) string {
	switch {
	case !c.Exists:
		return "nothing is live yet"
	case c.Candidate:
		return "is the candidate itself"
	case !c.Comparable:
		return "is not comparable: " + render.Line(c.Why)
	}
	return "model " + render.Line(c.Model.Short())
}

// explainRelease sets a release beside the one that is live: model, gate, type and configuration, and below them the metrics that either model
// has, as far as each is known.
func (t *text) explainRelease(r *plan.Release) {
	m := graph.ActionMarks[r.Action]
	t.Line("%s %s: %s", t.Paint(m.Style(), m.Sign()), t.Paint(render.Bold, render.Line(r.Address)), graph.ActionWords[r.Action])
	for _, c := range r.Causes {
		t.Line("  because  %s", render.CauseText(render.Line(r.Address), c))
	}
	now, old := &parts{}, &parts{}
	digest := "not known yet"
	if r.Model.Digest != "" {
		digest = render.Line(r.Model.Digest.Short())
	}
	now.add("model", render.Line(r.Model.From)+" "+digest)
	now.add("gate", render.Line(r.Gate))
	now.add("type", render.Line(r.Type))
	now.config(r.Config)
	if c := r.Current; c != nil {
		old.add("model", render.Line(c.From)+" "+render.Line(c.Model.Short()))
		old.add("gate", render.Line(c.Gate))
		old.add("type", render.Line(c.Type))
		old.config(c.Config)
		t.Line("  live since revision %d", c.Revision)
	}
	t.sideBySide(now, old, r.Current != nil)
	for _, f := range r.Figures {
		t.Line("    %s  live %s  next %s", render.Line(f.Path), render.Value(f.Live), render.Value(f.Next))
	}
}
