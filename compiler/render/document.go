package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// document is a plan as reviewers read it, before it has a form: text, Markdown or HTML. Every string in it is clean
// (clean.go); a form has only to escape what is special to itself.
type document struct {
	Title, Summary string
	Pipeline       string
	Workspace      string
	Production     []releaseRow
	Gates          []gateRow
	Why            []changeRow
	Fresh          []string // never ran
	Moved          []moveRow
	Stages         []stageRow
	Warnings       []warningRow
	Cost           string
	Cached         int
}

type releaseRow struct {
	Action   plan.ReleaseAction
	Address  string
	From, To string
	Gate     string
	Figures  []figureRow
}

type figureRow struct{ Name, Live, Next string }

type gateRow struct {
	Verdict   plan.RuleVerdict
	Address   string
	Sum       string
	Rules     []ruleRow // failures first
	Approvals []approvalRow
	Notes     []string // what it rests on
}

type ruleRow struct {
	Verdict         plan.RuleVerdict
	Name, Condition string
	Note            string // figures, reasons
	Message         string // of a failure
}

type approvalRow struct {
	Verdict plan.RuleVerdict
	Text    string
}

type changeRow struct {
	Category    plan.Category
	Text, Place string
	Note        string // what it means where nothing runs
	Runs        []string
	MayRun      []string
}

// moveRow is a block that only gets another address.
type moveRow struct{ From, To, Note, Place string }

type stageRow struct {
	Verdict plan.Verdict
	Address string
	Phase   string
	About   string // description
}

type warningRow struct{ Text, Place string }

// read puts a plan into the order of a review. With all, decided gates and cached stages are in it too.
func read(p *plan.Plan, all bool) *document {
	base := "nothing recorded yet"
	if p.Base.Revision > 0 {
		base = fmt.Sprintf("against revision %d", p.Base.Revision)
	}
	d := &document{Pipeline: clean(p.Pipeline), Workspace: clean(p.Workspace), Summary: Summary(p), Cost: cost(p), Cached: Count(p).Cached}
	d.Title = fmt.Sprintf("%s · workspace %s · %s", d.Pipeline, d.Workspace, base)
	nodes := map[string]*plan.Node{}
	for _, n := range p.Nodes {
		nodes[n.Address] = n
	}
	figures := map[string][][]figureRow{}
	for _, r := range p.Releases {
		if r.Action != plan.NoRelease {
			d.Production = append(d.Production, told(figures, release(nodes, r)))
		}
	}
	for _, g := range p.Gates {
		if !g.Cached || all || restsAnew(nodes, g) {
			d.Gates = append(d.Gates, gate(nodes, g))
		}
	}
	d.changes(p)
	d.stages(p, all)
	for _, w := range p.Diagnostics {
		d.Warnings = append(d.Warnings, warningRow{clean(w.Summary), place(w.Subject.File, w.Subject.Start.Line)})
	}
	return d
}

func (d *document) changes(p *plan.Plan) {
	for _, c := range p.Changes {
		if c.Cause.Kind == plan.NeverRanCause {
			d.Fresh = append(d.Fresh, clean(c.Address))
			continue
		}
		if c.Category == plan.MovedChange {
			d.Moved = append(d.Moved, moved(p, c))
			continue
		}
		d.Why = append(d.Why, changeRow{
			Category: oneOf(c.Category, plan.Rebuild, plan.Breaking, plan.PolicyChange, plan.MetadataChange, plan.AcceptedChange), Text: causeText(clean(c.Address), c.Cause), Place: place(c.Range.File, c.Range.Start.Line),
			Note: changeNote(c), Runs: cleaned(c.Runs), MayRun: cleaned(c.MayRun),
		})
	}
}

// moved tells of an address that changes, and of who else goes by it.
func moved(p *plan.Plan, c plan.Change) moveRow {
	row := moveRow{From: Value(c.Cause.Before), To: clean(c.Address), Place: place(c.Range.File, c.Range.Start.Line)}
	for _, r := range p.Releases {
		if r.Address == c.Address && r.Type == "http" && r.Current != nil {
			row.Note = "served under its new name"
		}
	}
	return row
}

// changeNote says what a change means that is not what it makes run.
func changeNote(c plan.Change) string {
	switch {
	case c.Category == plan.Breaking && c.Cause.Kind == plan.OutputCause && strings.HasPrefix(c.Address, "deploy."):
		return "its callers must send something else"
	case c.Category == plan.Breaking:
		return "others read it"
	case c.Category == plan.PolicyChange && strings.HasPrefix(c.Address, "gate."):
		return "nothing runs; " + clean(c.Address) + " decides anew"
	case c.Category == plan.PolicyChange:
		return "nothing runs; " + clean(c.Address) + " is released anew"
	case c.Category == plan.MetadataChange:
		return "nothing runs"
	case c.Category == plan.AcceptedChange:
		return "nothing runs; " + clean(c.Reason)
	case len(c.Runs)+len(c.MayRun) == 0:
		return "nothing runs; the result is recorded already"
	}
	return ""
}

// stages lists those that are removed or blocked, and all if asked for, by phase of the lifecycle.
func (d *document) stages(p *plan.Plan, all bool) {
	for _, phase := range reviewPhases {
		for _, n := range p.Nodes {
			if n.Phase == phase && (all || n.Verdict == plan.Remove || n.Verdict == plan.Blocked) {
				d.Stages = append(d.Stages, stageRow{oneOf(n.Verdict, plan.Run, plan.MayRun, plan.Cached, plan.Metadata, plan.Moved, plan.Accepted, plan.Blocked, plan.Remove), clean(n.Address), phaseName(phase), about(n)})
			}
		}
	}
}

// about is what a reviewer should know of a stage: that its result is accepted, or else what it is for.
func about(n *plan.Node) string {
	if n.Accepted != nil && n.Verdict.Known() {
		return "accepted: " + clean(n.Accepted.Reason)
	}
	return clean(n.Description)
}

// reviewPhases is the order in which stages are listed; last those that are no longer in the module.
var reviewPhases = []schema.Phase{schema.Design, schema.Development, schema.Operations, ""}

// oneOf is a value of a closed set: one that is not known, as a later version may have, is shown as such and never as a
// word of its own.
func oneOf[T ~string](v T, known ...T) T {
	if slices.Contains(known, v) {
		return v
	}
	return "unknown"
}

func ruleVerdict(v plan.RuleVerdict) plan.RuleVerdict {
	return oneOf(v, plan.Pass, plan.Fail, plan.Open, plan.RuleError)
}

func phaseName(phase schema.Phase) string {
	if phase == "" {
		return "no longer in the module"
	}
	return string(phase)
}

func verdictText(v plan.Verdict) string { return strings.ReplaceAll(string(v), "_", " ") }

func place(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", clean(file), line)
}

func cleaned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}
