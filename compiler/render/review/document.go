package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// document is a plan as reviewers read it, before it has a form: text, Markdown or HTML. Every string in it is clean
// (render.Line); a form has only to escape what is special to itself. An empty list is a part that is not written.
// Lists are in the order in which they are written, and are cut from their end.
type document struct {
	Title, Summary string
	Sample         []string // of a plan of a sample: what was sampled by what, and that nothing of it is released
	Merge          []string // of a plan that goes by another workspace: what merging into that one would run
	Pipeline       string
	Workspace      string
	Production     []releaseRow
	Weaker         []weakerRow // policy by which something may pass that would not have passed before
	Found          []FoundRow  // what only warns, and drift
	GatesTitle     string
	Gates          []gateRow // first checks that are known to fail
	Hypotheses     []hypothesisRow
	Why            []changeRow
	Fresh          []string // never ran
	Moved          []moveRow
	Stages         []stageRow
	Warnings       []warningRow
	Cost           string
	Helpers        []string // what stages are for that nobody wrote
	Cached         int
}

// releaseRow is a deployment whose live model would change; From and To name the models, Figures those that both have.
type releaseRow struct {
	Action   plan.ReleaseAction
	Address  string
	From, To string
	Gate     string
	Notes    []string // by which steps it takes over; how the model treats groups: "decides by group: sex, true_positive_rate alike"
	Figures  []figureRow
}

// figureRow is a figure of the live model and of the next one, "0.8426" or "?" where it is not known yet.
type figureRow struct{ Name, Live, Next string }

// gateRow is a gate, or a check that is known to fail, with the line that sums it up: "open: 2 of 2 rules wait for
// evaluate.test".
type gateRow struct {
	Verdict   plan.RuleVerdict
	Address   string
	Sum       string
	Rules     []ruleRow // failures first
	Approvals []approvalRow
	Notes     []string // what it rests on
}

// ruleRow is a rule; Condition is what is left of it where figures are missing.
type ruleRow struct {
	Verdict         plan.RuleVerdict
	Name, Condition string
	Note            string // figures, reasons
	Message         string // of a failure
}

// approvalRow is an approval: Pass if given, Fail if missing, Open if it may be needed. Those not needed have no row.
type approvalRow struct {
	Verdict plan.RuleVerdict
	Text    string
}

// changeRow is one or more differences at one block that make the same run.
type changeRow struct {
	Category plan.Category
	Causes   []causeRow
	Note     string // what it means where nothing runs
	Runs     []string
	MayRun   []string
	address  string
}

// weakerRow is one way in which policy became weaker.
type weakerRow struct{ Text, Why, Place string }

// moveRow is a block that only gets another address.
type moveRow struct{ From, To, Note, Place string }

// causeRow is one difference in a line, and where it is written: "params.trees of train.model  100 → 200", "churn.mlp:16".
type causeRow struct {
	Text, Place string
	Lines       []render.DiffLine // of texts that were edited
}

// stageRow is a stage in the list by phases. Phase is as it is shown, "no longer in the module" for what is removed.
type stageRow struct {
	Verdict plan.Verdict
	Address string
	Phase   string
	About   string // description
}

// warningRow is a warning of the plan, in which Place may be empty. Text is one line.
type warningRow struct{ Text, Place string }

// read puts a plan into the order of a review. With all, decided gates and cached stages are in it too. The plan is not
// changed, and may be one that somebody else wrote: nothing in it is relied on but its types.
func read(p *plan.Plan, all bool, o render.Options) *document {
	command := o.Command
	if command == nil {
		command = func(rest string) string { return render.Command(render.Line(p.Workspace), rest) }
	}
	// In the order of the document: what goes live; checks and gates; policies that get weaker; why; stages; warnings.
	// Nothing below decides anything: verdicts are the plan's.
	base := "nothing recorded yet"
	if o := p.Base.Upstream; o != nil && o.Revision > 0 {
		base = fmt.Sprintf("against %s, revision %d", render.Line(o.Workspace), o.Revision)
	} else if o == nil && p.Base.Revision > 0 {
		base = fmt.Sprintf("against revision %d", p.Base.Revision)
	}
	d := &document{Pipeline: render.Line(p.Pipeline), Workspace: render.Line(p.Workspace), Summary: Summary(p), Cost: strings.TrimSpace(cost(p) + " " + replicas(p)), Cached: Count(p).Cached}
	d.Title = fmt.Sprintf("%s · workspace %s · %s", d.Pipeline, d.Workspace, base)
	if part := p.Base.Partial; len(part) > 0 && !Count(p).Nothing() {
		d.Title += ", last applied in part: " + addresses(part)
	}
	if on := p.Base.Ahead; on != nil {
		d.Title += ", on top of plan " + on.Plan.Short()
	}
	if len(p.Targets) > 0 {
		d.Title += fmt.Sprintf(" · only %s and what %s on", addresses(p.Targets), render.Plural(len(p.Targets), "it rests", "they rest"))
	}
	if p.Sample != nil {
		d.Title += " · " + render.Line(plan.SampleName(p.Sample.Share))
	}
	d.Sample, d.Merge = sample(p.Sample), merge(p)
	nodes := map[string]*plan.Node{}
	for _, n := range p.Nodes {
		nodes[n.Address] = n
	}
	figures := map[string][][]figureRow{}
	for _, r := range p.Releases {
		if r.Action != plan.NoRelease || r.Pending() || r.Current != nil && r.Current.Rollout != nil {
			d.Production = append(d.Production, told(figures, release(nodes, r)))
		}
	}
	d.GatesTitle = "Gates"
	for _, n := range p.Nodes {
		if row, ok := check(n, command); ok {
			d.GatesTitle = "Checks and gates"
			d.Gates = append(d.Gates, row)
		}
	}
	for _, g := range p.Gates {
		if !g.Cached || all || restsAnew(nodes, g) {
			d.Gates = append(d.Gates, gate(nodes, g, command))
		}
	}
	for _, c := range p.Changes {
		if c.Cause.Weaker != "" {
			d.Weaker = append(d.Weaker, weakerRow{render.CauseText(render.Line(c.Address), c.Cause), render.Line(c.Cause.Weaker), place(c.Range.File, c.Range.Start.Line)})
		}
	}
	d.weigh()
	d.Found, d.Hypotheses = Found(p), hypotheses(p, all)
	d.changes(p)
	d.stages(p, nodes, all)
	d.helpers(p)
	if p.Envelope != nil {
		for _, address := range slices.Sorted(maps.Keys(p.Envelope.Failed)) {
			why, a := render.Clipped(render.Line(p.Envelope.Failed[address]), render.LongestShown), render.Line(address)
			d.Warnings = append(d.Warnings, warningRow{Text: fmt.Sprintf("%s failed when it last ran: %s. Its log: %s", a, strings.TrimSuffix(why, "."), command("logs "+render.ShellWord(a)))})
		}
	}
	for _, w := range p.Diagnostics {
		d.Warnings = append(d.Warnings, warningRow{render.Line(w.Summary), place(w.Subject.File, w.Subject.Start.Line)})
	}
	return d
}

// helpers tells what those stages are for that nobody wrote: a reviewer who meets evaluate.test@champion in the list
// would look for it in the files.
func (d *document) helpers(p *plan.Plan) {
	trials := map[string]int{}
	for _, n := range p.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			continue
		}
		switch n.Role {
		case schema.ChampionRole:
			d.Helpers = append(d.Helpers, fmt.Sprintf("%s scores what is live on the rows of %s, to compare both.", render.Line(n.Address), render.Line(n.Of)))
		case schema.PredictRole:
			d.Helpers = append(d.Helpers, fmt.Sprintf("%s has an opaque model predict for %s.", render.Line(n.Address), render.Line(n.Of)))
		case schema.TrialRole:
			trials[n.Of]++
		}
	}
	for _, of := range slices.Sorted(maps.Keys(trials)) {
		d.Helpers = append(d.Helpers, fmt.Sprintf("%d %s parameters for %s, which takes the best.", trials[of], render.Plural(trials[of], "trial tries", "trials try"), render.Line(of)))
	}
}

// changes are the rows of "why". Changes of one block that run the same are one row with several causes; a new version
// of a component that many stages share is one row that names them. So an upgrade of mlp that touches forty stages is
// one line, and three edits of one block are one number.
func (d *document) changes(p *plan.Plan) {
	changes, left := otherType(p.Changes)
	changes, at := sameComponents(p, changes)
	for _, c := range changes {
		if c.Cause.Kind == plan.NeverRanCause {
			d.Fresh = append(d.Fresh, render.Line(c.Address))
			continue
		}
		if c.Category == plan.MovedChange {
			d.Moved = append(d.Moved, moved(p, c))
			continue
		}
		row := changeRow{
			Category: oneOf(c.Category, plan.Rebuild, plan.Breaking, plan.PolicyChange, plan.MetadataChange, plan.AcceptedChange), address: c.Address,
			Causes: []causeRow{cause(c)},
			Note:   changeNote(p, c), Runs: render.Folded(render.Clean(c.Runs)), MayRun: render.Folded(render.Clean(c.MayRun)),
		}
		if all := at[c.Address]; c.Cause.Kind == plan.ComponentCause && len(all) > 1 { // no difference in what somebody wrote
			where := strings.Join(render.Shortened(render.Clean(all), 4), ", ")
			if len(all) > 4 {
				where += fmt.Sprintf(" (%d stages)", len(all))
			}
			row.address, row.Causes = "", []causeRow{{Text: render.CauseText(where, c.Cause)}}
		}
		if n := left[c.Address]; n > 0 && c.Cause.Kind == plan.ConfigCause && c.Cause.Path == "type" {
			row.Causes = append(row.Causes, causeRow{Text: fmt.Sprintf("and %d %s that only one of these types has", n, render.Plural(n, "attribute", "attributes"))})
		}
		if n := len(d.Why); n > 0 && d.Why[n-1].together(row) {
			d.Why[n-1].Causes = append(d.Why[n-1].Causes, row.Causes...)
			continue
		}
		d.Why = append(d.Why, row)
	}
}

// cause is a change as one line, with further lines where a text of several lines differs.
func cause(c plan.Change) causeRow {
	text, lines := render.CauseLines(render.Line(c.Address), c.Cause)
	return causeRow{text, place(c.Range.File, c.Range.Start.Line), lines}
}

// moved tells of an address that changes, and of who else goes by it.
func moved(p *plan.Plan, c plan.Change) moveRow {
	row := moveRow{From: render.Value(c.Cause.Before), To: render.Line(c.Address), Place: place(c.Range.File, c.Range.Start.Line)}
	for _, r := range p.Releases {
		if r.Address == c.Address && r.Type == "http" && r.Current != nil {
			row.Note = "served under its new name"
		}
	}
	return row
}

// together reports whether two differences are told under one number: they lie at one block and have the same effect.
func (r changeRow) together(next changeRow) bool {
	return r.address == next.address && r.Category == next.Category && r.Note == next.Note && slices.Equal(r.Runs, next.Runs) && slices.Equal(r.MayRun, next.MayRun)
}

// otherType leaves out, of a block that has another type, the attributes that only one of the types knows: they follow
// from the type. It returns how many those are, by address. The others keep their order.
func otherType(all []plan.Change) (rest []plan.Change, left map[string]int) {
	typed, left := map[string]bool{}, map[string]int{}
	for _, c := range all {
		typed[c.Address] = typed[c.Address] || c.Cause.Kind == plan.ConfigCause && c.Cause.Path == "type"
	}
	for _, c := range all {
		if typed[c.Address] && c.Cause.Kind == plan.ConfigCause && (len(c.Cause.Before) == 0) != (len(c.Cause.After) == 0) {
			left[c.Address]++
			continue
		}
		rest = append(rest, c)
	}
	return rest, left
}

// sameComponents makes one change of those that another version of a component is at many blocks, at the first of them. It
// returns at which blocks each is, by that address.
func sameComponents(p *plan.Plan, all []plan.Change) (rest []plan.Change, at map[string][]string) {
	if !slices.ContainsFunc(all, func(c plan.Change) bool { return c.Cause.Kind == plan.ComponentCause }) {
		return all, nil
	}
	name := map[string]string{}
	for _, n := range p.Nodes {
		name[n.Address] = component(n.Kind, n.Type, n.Version)
	}
	first, at := map[[4]string]int{}, map[string][]string{}
	for _, c := range all {
		if c.Cause.Kind != plan.ComponentCause {
			rest = append(rest, c)
			continue
		}
		key := [4]string{name[c.Address], c.Cause.Path, string(c.Cause.Before), string(c.Cause.After)}
		i, ok := first[key]
		if !ok {
			i = len(rest)
			first[key], rest = i, append(rest, c)
			rest[i].Runs, rest[i].MayRun = slices.Clone(c.Runs), slices.Clone(c.MayRun)
		} else {
			rest[i].Runs, rest[i].MayRun = append(rest[i].Runs, c.Runs...), append(rest[i].MayRun, c.MayRun...)
		}
		at[rest[i].Address] = append(at[rest[i].Address], c.Address)
	}
	for _, i := range first {
		for _, list := range []*[]string{&rest[i].Runs, &rest[i].MayRun} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
	}
	return rest, at
}

// changeNote says what a change means that is not what it makes run.
// The first case that fits counts: that others break is worth more than that nothing runs.
func changeNote(p *plan.Plan, c plan.Change) string {
	switch {
	case c.Category == plan.Breaking && c.Cause.Kind == plan.OutputCause && releases(p, c.Address):
		return "its callers must send something else"
	case c.Category == plan.Breaking:
		return "others read it"
	case c.Category == plan.PolicyChange:
		return policyNote(p, c)
	case c.Category == plan.MetadataChange:
		return "nothing runs"
	case c.Category == plan.AcceptedChange:
		return "nothing runs; " + render.Line(c.Reason)
	case len(c.Runs)+len(c.MayRun) == 0:
		return "nothing runs; the result is recorded already"
	}
	return ""
}

// policyNote says what a change of policy means: what decides anew, or that nothing holds a deployment any more.
// "Nothing runs" is said although rules changed, because a reviewer fears the opposite: rules are decided by the figures
// that are recorded.
func policyNote(p *plan.Plan, c plan.Change) string {
	address := render.Line(c.Address)
	deploys, n := releases(p, c.Address), p.Node(c.Address)
	switch {
	case c.Cause.Path == "":
		return "nothing runs; " + render.Line(c.Cause.Weaker)
	case deploys && c.Cause.Path == "gate" && len(c.Cause.After) == 0:
		return "no gate holds " + address + " any more"
	case deploys && c.Cause.Kind == plan.ConfigCause:
		return "nothing runs; " + address + " is released anew"
	case decides(p, c.Address) || n != nil && n.HasVerdict() && c.Cause.Path != "requires":
		return "nothing runs; " + address + " decides anew"
	}
	return "nothing runs"
}

// releases reports whether a deployment has that address, decides whether a gate has.
func releases(p *plan.Plan, address string) bool {
	return slices.ContainsFunc(p.Releases, func(r *plan.Release) bool { return r.Address == address })
}

// decides reports whether there is a gate of that address in the plan.
func decides(p *plan.Plan, address string) bool {
	return slices.ContainsFunc(p.Gates, func(g *plan.Gate) bool { return g.Address == address })
}

// stages lists those that are removed or blocked, and all if asked for, by phase of the lifecycle.
func (d *document) stages(p *plan.Plan, nodes map[string]*plan.Node, all bool) {
	for _, phase := range reviewPhases {
		for _, n := range p.Nodes {
			if n.Phase == phase && (all || n.Verdict == plan.Remove || n.Verdict == plan.Blocked) {
				d.Stages = append(d.Stages, stageRow{oneOf(n.Verdict, plan.Run, plan.MayRun, plan.Cached, plan.Metadata, plan.Moved, plan.Accepted, plan.Blocked, plan.Remove), render.Line(n.Address), phaseName(phase), d.about(nodes, n)})
			}
		}
	}
}

// about is what a reviewer should know of a stage: that its result is accepted, by what it is blocked, or else what it
// is for. "" if there is nothing to say. Gates must have been read before.
func (d *document) about(nodes map[string]*plan.Node, n *plan.Node) string {
	if n.Accepted != nil && n.Verdict.Known() {
		return "accepted: " + render.Line(n.Accepted.Reason)
	}
	if n.Verdict != plan.Blocked {
		return render.Line(n.Description)
	}
	var by []string
	for _, a := range n.After {
		if slices.ContainsFunc(d.Gates, func(g gateRow) bool {
			return g.Address == render.Line(a) && (g.Verdict == plan.Fail || g.Verdict == plan.RuleError)
		}) {
			by = append(by, render.Line(a))
		}
	}
	for _, in := range n.Inputs {
		if up := nodes[in.From]; up != nil && up.Verdict == plan.Blocked && !slices.Contains(by, render.Line(in.From)) {
			by = append(by, render.Line(in.From))
		}
	}
	if len(by) == 0 {
		return ""
	}
	return "by " + strings.Join(by, ", ")
}

// reviewPhases is the order in which stages are listed; first those that are no longer in the module.
var reviewPhases = []schema.Phase{"", schema.Design, schema.Development, schema.Operations}

// oneOf is a value of a closed set: one that is not known, as a later version may have, is shown as "unknown" and never
// as a word of its own, which could be any text in a plan that somebody forged.
func oneOf[T ~string](v T, known ...T) T {
	if slices.Contains(known, v) {
		return v
	}
	return "unknown"
}

// ruleVerdict is a verdict of a rule, of the closed set.
func ruleVerdict(v plan.RuleVerdict) plan.RuleVerdict {
	return oneOf(v, plan.Pass, plan.Fail, plan.Open, plan.RuleError)
}

// phaseName is the heading of a phase; stages that the plan removes have none.
func phaseName(phase schema.Phase) string {
	if phase == "" {
		return "no longer in the module"
	}
	return string(phase)
}

// verdictText is a verdict as people read it: "may run".
func verdictText(v plan.Verdict) string { return strings.ReplaceAll(string(v), "_", " ") }

// place is "churn.mlp:16"; empty for what stands in no file.
func place(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", render.Line(file), line)
}
