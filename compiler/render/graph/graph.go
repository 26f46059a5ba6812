// Package graph draws pipelines: what blocks there are, what flows between them and what a plan would do to each.
//
// graph.go makes a Graph of a plan, focus.go takes a part of it; tree.go, dot.go, mermaid.go and svg.go give it a form.
package graph

// What a picture is for.
//
// A plan of forty stages is read in a pull request by somebody who did not write it. Text says what happens to each
// stage; a picture says what hangs on what: that the gate waits for the check that fails, that one changed source runs
// nine stages. So the same Graph is made of a plan (OfPlan) or of a module without a plan (OfModule), parts are taken of
// it, and it is given one of four forms:
//
//	form     for                            laid out by        shows at most
//	Tree     a terminal                     this package       all
//	Mermaid  Markdown on GitHub and GitLab  the site           MostInMermaid
//	SVG      reports, pages, files          compiler/layout    MostInSVG
//	Dot      Graphviz, where people have it Graphviz           all
//
// # Without colours
//
// About one man in twelve does not tell red from green, and paper and many logs have no colour at all. So nothing is
// said by colour alone: what a block is shows in its outline (Form), what will happen to it in its sign (Mark.Sign,
// Mark.drawing), in the dashes of its line, and in words behind its address. Colours are Okabe and Ito's (2008), which
// differ for all common kinds of sight.
//
// # Names are hostile
//
// Addresses are words of the language, but captions and titles have what people wrote, and a pull request's author is not
// always a friend. Each form has a function that makes text harmless for it: dotQuote, attribute (of XML), and mermaidText,
// which goes by what is allowed, since what Mermaid, Markdown and HTML each give a meaning to in one place nobody can list.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Graph is a pipeline as a picture: blocks and what flows between them. Its forms are Tree, Dot, Mermaid and SVG. A
// form does not change the graph; the same graph gives the same bytes.
type Graph struct {
	Nodes []Node // in any order; each form sorts as it needs
	Edges []Edge // between addresses; those to or from others are left out
	// Left is how many nodes were left out of the picture, and What they are ("cached").
	Left int
	What string
}

// Node is a block. Its strings are as users wrote them: each form makes them harmless in its own way.
type Node struct {
	Address string
	Caption string // beside the address: the type, the verdict in words
	Title   string // shown on pointing at it: why
	Phase   schema.Phase
	Form    Form
	Mark    Mark
	Focus   bool // what the picture is about
}

// Form is what a block is, shown by its outline.
type Form int

const (
	StageForm      Form = iota // a box: it computes
	GateForm                   // a hexagon: it decides
	ReleaseForm                // a stadium: it is or goes live
	DefinitionForm             // a box with a folded corner: others use what it says
)

// Mark is what will happen, shown by colour, by sign and by the kind of line.
type Mark string

const (
	NoMark       Mark = ""
	RunMark      Mark = "run"
	MayMark      Mark = "may"      // may run, may change
	CachedMark   Mark = "cached"   // nothing to do
	MetadataMark Mark = "metadata" // changed, runs nothing
	BlockedMark  Mark = "blocked"
	RemoveMark   Mark = "remove"
	PassMark     Mark = "pass"
	FailMark     Mark = "fail"
	OpenMark     Mark = "open"
	ErrorMark    Mark = "error"
	ReleaseMark  Mark = "release" // a release is made or changes
)

// marks in the order of a legend, with their words and signs.
var marks = []struct {
	mark Mark
	word string
	sign string
}{
	{RunMark, "runs", "+"},
	{MayMark, "may run or change", "?"},
	{BlockedMark, "blocked", "!"},
	{RemoveMark, "removed", "-"},
	{MetadataMark, "changed, runs nothing", "="},
	{CachedMark, "nothing to do", "="},
	{PassMark, "passes", "✓"},
	{FailMark, "fails", "✗"},
	{OpenMark, "open", "?"},
	{ErrorMark, "error", "!"},
	{ReleaseMark, "would be released", "»"},
}

// Sign is a mark in a line of text, one character; a blank for none.
func (m Mark) Sign() string {
	for _, x := range marks {
		if x.mark == m {
			return x.sign
		}
	}
	return " "
}

// quiet reports whether a mark asks for no attention.
func (m Mark) quiet() bool { return m == NoMark || m == CachedMark }

// Edge leads from what is needed to what needs it.
type Edge struct {
	From, To string
	Order    bool // nothing flows: the one must have succeeded
}

// OfPlan is the picture of a plan: stages, gates and deployments with what would become of them.
func OfPlan(p *plan.Plan) *Graph {
	g := &Graph{}
	trials := map[string]int{}
	for _, n := range p.Nodes {
		if n.Role == schema.TrialRole { // what flows into them flows into the stage that takes the best, too
			trials[n.Of]++
			continue
		}
		g.stage(n)
	}
	for i := range g.Nodes {
		if n := trials[g.Nodes[i].Address]; n > 0 {
			g.Nodes[i].Caption = joinWords(g.Nodes[i].Caption, fmt.Sprintf("%d %s", n, render.Plural(n, "trial", "trials")))
		}
	}
	for _, x := range p.Gates {
		g.gate(x)
	}
	at := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		at[n.Address] = i
	}
	for _, r := range p.Releases {
		g.release(r, at)
	}
	g.tidy()
	return g
}

// VerdictMarks are the marks of stages.
var VerdictMarks = map[plan.Verdict]Mark{
	plan.Run: RunMark, plan.MayRun: MayMark, plan.Cached: CachedMark, plan.Metadata: MetadataMark,
	plan.Moved: MetadataMark, plan.Accepted: MetadataMark,
	plan.Blocked: BlockedMark, plan.Remove: RemoveMark,
}

// VerdictWords say in words what would become of stages.
var VerdictWords = map[plan.Verdict]string{
	plan.Run: "runs", plan.MayRun: "may run", plan.Cached: "cached", plan.Metadata: "metadata changed",
	plan.Moved: "moved", plan.Accepted: "accepted as it is",
	plan.Blocked: "blocked", plan.Remove: "removed",
}

// stage adds a stage with its edges: what flows into it, and what must have succeeded first. Edges may lead to what is
// not there yet, or never is; tidy takes the latter away.
func (g *Graph) stage(n *plan.Node) {
	node := Node{Address: n.Address, Phase: n.Phase, Mark: VerdictMarks[n.Verdict], Title: nodeTitle(n)}
	node.Caption = joinWords(VerdictWords[n.Verdict], render.TypeWord(n.Kind, n.Type))
	g.Nodes = append(g.Nodes, node)
	for _, in := range n.Inputs {
		g.connect(in.From, n.Address, false)
	}
	for _, a := range n.After {
		g.connect(a, n.Address, true)
	}
}

// nodeTitle says why a stage runs, a line for each cause.
func nodeTitle(n *plan.Node) string {
	lines := []string{n.Address + ": " + VerdictWords[n.Verdict]}
	lines = append(lines, render.CauseTexts(n.Address, n.Causes)...)
	if n.Description != "" {
		lines = append(lines, n.Description)
	}
	return strings.Join(lines, "\n")
}

// joinWords joins the words that there are by dots: "runs · logistic regression".
func joinWords(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " · ")
}

var ruleMarks = map[plan.RuleVerdict]Mark{plan.Pass: PassMark, plan.Fail: FailMark, plan.Open: OpenMark, plan.RuleError: ErrorMark}

// gate adds a gate. The edges are those to the blocks whose figures its rules read, not to all that the rules could see.
func (g *Graph) gate(x *plan.Gate) {
	words := map[plan.RuleVerdict]string{plan.Pass: "passes", plan.Fail: "fails", plan.Open: "open", plan.RuleError: "error"}
	node := Node{Address: x.Address, Phase: schema.Operations, Form: GateForm, Mark: ruleMarks[x.Verdict], Caption: words[x.Verdict]}
	if x.Cached {
		node.Caption = "passed before"
	} else if n := len(x.Rules.Rules); n > 0 {
		node.Caption = joinWords(node.Caption, RulesWord(x.Rules.Rules, x.Verdict))
	}
	// The title is what shows when the pointer rests on the node: each rule with its verdict.
	lines := []string{x.Address + ": " + node.Caption}
	for _, r := range x.Rules.Rules {
		lines = append(lines, words[r.Verdict]+": "+r.Name)
	}
	node.Title = strings.Join(lines, "\n")
	g.Nodes = append(g.Nodes, node)
	for _, f := range x.Rules.Figures {
		if !f.Absent {
			g.connect(f.Node, x.Address, false)
		}
	}
	for _, a := range x.After {
		g.connect(a, x.Address, true)
	}
}

// RulesWord counts the rules that stand as the gate does: "2 of 5 rules".
func RulesWord(rules []plan.Rule, v plan.RuleVerdict) string {
	n := 0
	for _, r := range rules {
		if r.Verdict == v {
			n++
		}
	}
	return counted(n, len(rules), "rule", "rules")
}

// ActionMarks are the marks of deployments.
var ActionMarks = map[plan.ReleaseAction]Mark{
	plan.NoRelease: CachedMark, plan.CreateRelease: ReleaseMark, plan.ChangeRelease: ReleaseMark,
	plan.MayRelease: MayMark, plan.RemoveRelease: RemoveMark,
}

// ActionWords say in words what would become of deployments.
var ActionWords = map[plan.ReleaseAction]string{
	plan.NoRelease: "stays as it is", plan.CreateRelease: "first release", plan.ChangeRelease: "release changes",
	plan.MayRelease: "release may change", plan.RemoveRelease: "release is removed",
}

// release adds a deployment; one with a stage of its own (batch), which is among those at known places, is one node with it.
func (g *Graph) release(r *plan.Release, at map[string]int) {
	node := Node{Address: r.Address, Phase: schema.Operations, Form: ReleaseForm, Mark: ActionMarks[r.Action],
		Caption: joinWords(ActionWords[r.Action], r.Type), Title: r.Address + ": " + ActionWords[r.Action]}
	if i, ok := at[r.Address]; ok {
		node.Title += "\n" + g.Nodes[i].Title
		g.Nodes[i] = node
	} else {
		g.Nodes = append(g.Nodes, node)
	}
	if r.Action != plan.RemoveRelease {
		g.connect(r.Model.From, r.Address, false)
		g.connect(r.Gate, r.Address, true)
	}
}

// connect adds an edge to where a table comes from outside (from is empty) or to itself for nothing: both are left out.
func (g *Graph) connect(from, to string, order bool) {
	if from != "" && from != to {
		g.Edges = append(g.Edges, Edge{From: from, To: to, Order: order})
	}
}

// tidy sorts, drops edges that lead nowhere, and joins those between the same nodes.
func (g *Graph) tidy() {
	slices.SortStableFunc(g.Nodes, func(a, b Node) int { return cmp.Compare(a.Address, b.Address) })
	there := make(map[string]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		there[n.Address] = true
	}
	g.Edges = slices.DeleteFunc(g.Edges, func(e Edge) bool { return !there[e.From] || !there[e.To] || e.From == e.To })
	order := func(e Edge) int {
		if e.Order {
			return 1
		}
		return 0
	}
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(order(a), order(b)))
	})
	g.Edges = slices.CompactFunc(g.Edges, func(a, b Edge) bool { return a.From == b.From && a.To == b.To })
}

// lifecycle is the parts in their order; those that a graph's nodes have none of come to the end.
var lifecycle = []schema.Phase{schema.Design, schema.Development, schema.Operations, ""}

// phaseIndex is the place of a part of the lifecycle; one that is not known comes first.
func phaseIndex(p schema.Phase) int { return max(0, slices.Index(lifecycle, p)) }
