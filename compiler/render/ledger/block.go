// Package ledger writes for people what the state has: of a block, of the log of revisions, and of what a result comes from.
package ledger

// What is written where.
//
// The state says of each block what was last recorded of it (mlp show), its log when that came to be (mlp history), and
// both together what a result comes from (mlp show --lineage). The functions here take what has been read and write text;
// they read no store, know no time but what is recorded, and so write the same bytes for the same data.
//
//	function      subject                                   of what
//	Text          one block                                 Block
//	All           all blocks, a line each                   Block
//	Requirements  what was asked for, and what verifies it  trace.Requirement
//	History       revisions of the log, the last first      Revision
//	Lineage       what a result or a release is made of     trace.Lineage
//	Garbage       what nothing needs any more               Collected
//	Text          what takes the space of a store           Usage
//	Text          what a repair of a store does             Repaired
//
// Each of these types is, as JSON, what the same command gives with --format json: the text chooses among its fields.
//
// # Text of others
//
// Names, reasons, commits and paths are what somebody wrote, in a file, a form or a CI system. A terminal would obey the
// control characters in them ("seen\x1b[2J" clears the screen, and with it what an approver should read), so all of it
// goes through render.Line, which spells such characters out. Digests, numbers and verdicts are ours and go as they are.

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
)

// Block is what is recorded of a block; its JSON is what scripts read.
type Block struct {
	Address     string                 `json:"address"`
	Fingerprint plan.Digest            `json:"fingerprint,omitempty"`
	Definition  plan.Digest            `json:"definition,omitempty"`
	Component   string                 `json:"component,omitempty"`
	Config      json.RawMessage        `json:"config,omitempty"`
	Inputs      map[string]plan.Digest `json:"inputs,omitempty"`
	Outputs     map[string]plan.Digest `json:"outputs,omitempty"`
	Metrics     json.RawMessage        `json:"metrics,omitempty"`
	Warnings    []string               `json:"warnings,omitempty"`
	DurationMS  int64                  `json:"duration_ms,omitempty"`
	Platform    string                 `json:"platform,omitempty"`
	Executor    string                 `json:"executor,omitempty"`
	Node        string                 `json:"node,omitempty"`
	CPUMS       int64                  `json:"cpu_ms,omitempty"`
	PeakMemory  int64                  `json:"peak_memory,omitempty"` // in bytes
	Check       *plan.CheckState       `json:"check,omitempty"`
	Gate        *plan.GateState        `json:"gate,omitempty"`
	Release     *plan.ReleaseState     `json:"release,omitempty"`
	// Hypotheses of a problem, by name.
	Hypotheses map[string]plan.HypothesisState `json:"hypotheses,omitempty"`
	// Damaged tells why figures and the like are not here: their record cannot be relied on.
	Damaged string `json:"damaged,omitempty"`
}

// took is what the stage took beside time, such as "1.5 s of CPU, 67 MB at most"; "" where that is not known.
// The memory is the greatest that was seen at once, in MB of 1,048,576 bytes and rounded up, so that little is never
// shown as 0.
func (x *Block) took() string {
	var out []string
	if x.CPUMS > 0 {
		out = append(out, fmt.Sprintf("%.1f s of CPU", float64(x.CPUMS)/1000))
	}
	if x.PeakMemory > 0 {
		out = append(out, fmt.Sprintf("%d MB at most", (x.PeakMemory+1<<20-1)>>20))
	}
	return strings.Join(out, ", ")
}

// Text writes what is recorded of one block; st has the gate of a release.
// A release shows the approvals of its gate only while the gate still holds the decision that let this model pass: after
// the gate has decided on another subject its approvals are of that one, and would be taken for those of what is live.
//
// The error is w's alone.
func Text(w io.Writer, x *Block, st *plan.State) error {
	p := &printer{}
	p.block(x, st)
	_, err := io.WriteString(w, p.String())
	return err
}

// printer is a text of what is recorded.
// It collects lines and writes them at the end, since a text of which half is printed is read as a whole one.
type printer struct{ render.Printer }

// row is a line with a name, left out where there is no value.
func (p *printer) row(name, value string) {
	if value != "" {
		p.Line("  %-12s %s", name, value)
	}
}

// block writes what is there, in the order in which a reader asks: which result it is, how it was made, how it was
// judged, what it measured. A block has one of check, gate and release at most; a stage has none.
func (p *printer) block(x *Block, st *plan.State) {
	p.Line("%s", x.Address)
	p.row("component", x.Component)
	p.row("fingerprint", string(x.Fingerprint))
	for _, port := range slices.Sorted(maps.Keys(x.Outputs)) {
		p.row(port, string(x.Outputs[port]))
	}
	if x.Executor != "" {
		p.row("ran", fmt.Sprintf("%.1f s, %s, %s", float64(x.DurationMS)/1000, x.Executor, x.Platform))
		p.row("took", x.took())
		p.row("on", render.Line(x.Node))
	}
	if x.Check != nil {
		p.row("verdict", string(x.Check.Verdict))
		p.decided(x.Check.Rules)
	}
	if x.Gate != nil {
		p.row("verdict", string(x.Gate.Verdict))
		p.decided(x.Gate.Rules)
		p.given(x.Gate)
	}
	if x.Release != nil {
		p.row("live", fmt.Sprintf("%s %s, since revision %d (%s)", x.Release.From, x.Release.Model.Short(), x.Release.Revision, x.Release.Since.Format("2006-01-02 15:04:05Z07:00")))
		if x.Release.By != "" {
			p.row("applied by", render.Line(x.Release.By+" on "+x.Release.Host))
		}
		if x.Release.Promoted != nil {
			p.row("promoted by", review.GivenText(*x.Release.Promoted))
		}
		for _, w := range x.Release.Written {
			p.row("written", review.WrittenText(w))
		}
		p.rollout(x.Release.Rollout)
		p.rolledBack(x.Release.Rollback)
		p.row("gate", x.Release.Gate)
		if g, ok := st.Gates[x.Release.Gate]; ok && g.Subject == x.Release.Subject {
			p.given(&g)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.Hypotheses)) {
		p.hypothesis(name, x.Hypotheses[name])
	}
	for _, warning := range x.Warnings {
		p.row("warning", render.Line(warning))
	}
	p.metrics(x.Metrics)
}

// rollout tells which candidate takes over by steps, how far it is, and who moved it there.
func (p *printer) rollout(r *plan.Rollout) {
	if r == nil {
		return
	}
	p.row("candidate", fmt.Sprintf("%s %s, since revision %d", render.Line(r.Next.From), r.Next.Model.Short(), r.Next.Revision))
	p.row("rollout", review.Rollout(r))
	if r.Moved != nil {
		p.row("moved by", review.GivenText(*r.Moved))
	}
}

// rolledBack tells of a release that was brought back, or whose candidate was taken away, and of what is held since.
// Held models are those that were live until the rollback. An apply does not release them again, by the same evidence,
// until somebody lifts the rollback; what is lifted stays on record with who lifted it.
func (p *printer) rolledBack(r *plan.Rollback) {
	if r == nil {
		return
	}
	if last := r.Held[len(r.Held)-1]; last.Role != "" {
		p.row("aborted", fmt.Sprintf("the %s, by %s", last.Role, review.GivenText(r.Given)))
	} else {
		p.row("rolled back", fmt.Sprintf("to revision %d by %s", r.To, review.GivenText(r.Given)))
	}
	for _, h := range r.Held {
		what := "held"
		if r.Lifted != nil {
			what = "not held"
		}
		text := fmt.Sprintf("%s %s, %s since revision %d until then", render.Line(h.From), h.Model.Short(), cmp.Or(render.Line(string(h.Role)), "live"), h.Revision)
		if len(h.Config) > 0 {
			text += ", with the settings of then"
		}
		p.row(what, text)
	}
	if r.Lifted != nil {
		p.row("lifted", "by "+review.GivenText(*r.Lifted))
	}
}

// hypothesis prints the last verdict on one, what it rests on, and of which results.
func (p *printer) hypothesis(name string, h plan.HypothesisState) {
	p.Line("    %-9s %s: %s", render.HypothesisVerdict(h.Verdict), render.Line(name), render.Line(h.Statement))
	p.Line("              %s", render.Line(h.Assert))
	for _, v := range h.Values {
		p.Line("              %s = %s", render.Line(v.Path), render.Value(v.Value))
	}
	if note := render.HypothesisNote(h.Tested); note != "" {
		p.Line("              %s", note)
	}
	for _, of := range slices.Sorted(maps.Keys(h.Evidence)) {
		p.Line("              of %s %s", render.Line(of), h.Evidence[of].Short())
	}
}

// decided prints rules as they were last decided.
func (p *printer) decided(rules []plan.Rule) {
	for _, r := range rules {
		warns := ""
		if r.Severity == "warn" {
			warns = " (warns only)"
		}
		p.Line("    %-5s %s%s: %s", r.Verdict, render.Line(r.Name), warns, render.Line(r.Assert))
	}
}

// given prints a gate's approvals: of whom they are asked, and who gave them, when and why.
// One whose condition (when) does not hold is not needed; "missing" ones are what a gate waits for.
func (p *printer) given(g *plan.GateState) {
	for _, x := range g.Approvals {
		state := "missing"
		switch {
		case x.Given != nil:
			state = "given by " + review.GivenText(*x.Given)
		case x.GivenBy != "":
			state = "given by " + render.Line(x.GivenBy)
		case x.Needed == plan.Fail:
			state = "not needed"
		}
		p.Line("    approval %s of %s: %s", render.Line(x.Name), render.Line(strings.Join(x.From, ", ")), state)
	}
}

// metrics prints figures as a list of paths.
// Figures come as a tree of any shape, since each component has its own: {"metrics": {"auc": 0.91}} is the line
// "metrics.auc  0.91". What cannot be read as JSON is left out here; who writes records holds them to it.
func (p *printer) metrics(data json.RawMessage) {
	if len(data) == 0 {
		return
	}
	var tree any
	if json.Unmarshal(data, &tree) != nil {
		return
	}
	leaves := map[string]json.RawMessage{}
	flattenFigures("", tree, leaves)
	p.Line("  figures")
	width := 0
	for path := range leaves {
		width = max(width, utf8.RuneCountInString(render.Line(path)))
	}
	for _, path := range inOrder(leaves) {
		p.Line("    %-*s  %s", width, render.Line(path), render.Value(leaves[path]))
	}
}

// inOrder sorts the paths of figures by name, but metrics come first, which are what was asked for, and those below an importance stand by size, since the
// question there is which features count most: importance.amount 0.6 stands before importance.age 0.1.
func inOrder(leaves map[string]json.RawMessage) []string {
	size := func(path string) float64 {
		x, err := strconv.ParseFloat(string(leaves[path]), 64)
		if err != nil { // null: it has none
			return math.Inf(-1)
		}
		return x
	}
	paths := slices.Sorted(maps.Keys(leaves))
	slices.SortStableFunc(paths, func(p, q string) int {
		group, _, important := strings.Cut(p, "importance.")
		other, _, too := strings.Cut(q, "importance.")
		if important && too && group == other {
			return cmp.Compare(size(q), size(p))
		}
		if first := strings.HasPrefix(p, "metrics."); first != strings.HasPrefix(q, "metrics.") {
			return map[bool]int{true: -1, false: 1}[first]
		}
		return cmp.Compare(p, q)
	})
	return paths
}

// flattenFigures puts the leaves of a tree into out by their paths, joined by dots. A list is a leaf: its elements have
// no names that a rule could use. An empty object has no leaf and is not shown.
func flattenFigures(path string, v any, out map[string]json.RawMessage) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flattenFigures(strings.TrimPrefix(path+"."+k, "."), x, out)
		}
		return
	}
	if data, err := json.Marshal(v); err == nil {
		out[path] = data
	}
}
