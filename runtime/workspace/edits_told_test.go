package workspace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/stdlib"
)

// TestEveryEditOfTheExamplesIsTold: whatever is written otherwise in an example, by the real library, the plan says so in its changes: at
// the line of the edit, naming what was edited; whatever it makes run has a cause among them; and taken back, nothing is left to
// do. One edit of each sort is tried at each place of the language; with MLP_SOAK all of them, at all blocks. Each attribute that the
// language declares has an edit that gives a module: where the examples have none, a module of testdata has.
func TestEveryEditOfTheExamplesIsTold(t *testing.T) {
	seen := &editsSeen{tried: map[string]int{}, legal: map[string]bool{}, places: declaredPlaces(stdlib.Catalog()), why: map[string]string{}}
	for _, from := range []string{"../../examples/brownfield", "../../examples/python", "../../examples/fraud", "../../examples/churn",
		"testdata/workbench", "testdata/sources", "testdata/fitted", "testdata/tuned", "testdata/called", "testdata/refactored", "testdata/programs"} {
		t.Run(filepath.Base(from), func(t *testing.T) {
			seen.spare = strings.HasPrefix(from, "testdata/") && os.Getenv("MLP_SOAK") == ""
			e := editingOf(t, from)
			if !e.moving {
				e.apply()
			}
			before, err := e.plan()
			if err != nil {
				t.Fatal(err)
			}
			if c := review.Count(before); !e.moving && len(before.Changes)+c.Policy+c.Metadata+c.Run > 0 {
				t.Fatalf("nothing was edited, and the plan says %s: %+v", review.Summary(before), before.Changes)
			}
			files, err := filepath.Glob(filepath.Join(e.dir, "[^.]*.mlp"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				seen.file(e, before, filepath.Base(file))
			}
		})
	}
	var never []string
	for place := range seen.places {
		if !seen.legal[place] {
			never = append(never, place)
		}
	}
	slices.Sort(never)
	if len(seen.legal) < 1250 {
		t.Errorf("only %d sorts of edits and places gave a module, want 1250", len(seen.legal))
	}
	for _, place := range never {
		if place == "pipeline.store" { // another store has another state, and a plan against that tells of no edit
			continue
		}
		t.Errorf("%s: no edit of this attribute gave a module, as in: %s; a module of testdata must have what it can be changed to", place, seen.why[place])
	}
	t.Logf("%d sorts and places of %d tried", len(seen.legal), len(seen.tried))
}

// editsSeen are the sorts of edits that were tried and gave a module, and the places of the language that had one.
type editsSeen struct {
	tried         map[string]int
	legal, places map[string]bool
	spare         bool              // only places are tried that no example has shown
	why           map[string]string // an edit of a place gave no module
	applied       int
}

// file tries the edits of a file.
func (s *editsSeen) file(e *editing, before *plan.Plan, name string) {
	read, err := os.ReadFile(filepath.Join(e.dir, name))
	if err != nil {
		e.t.Fatal(err)
	}
	text := string(read)
	defer e.write(name, text)
	for _, x := range e.madeEdits(name, text) {
		sort := x.place + " " + x.sort
		if x.ofAttr {
			s.places[x.place] = true
		}
		if os.Getenv("MLP_SOAK") != "" {
			sort = fmt.Sprint(e.dir, x.first, x.named, sort)
		}
		most := 8 // tries at a place, until one gives a module
		if s.spare {
			sort, most = "spare "+sort, 100
		}
		if s.spare && s.legal[x.place] || s.legal[sort] || s.tried[sort] > most && os.Getenv("MLP_SOAK") == "" {
			continue
		}
		s.tried[sort]++
		e.write(name, x.apply(text))
		after, err := e.plan()
		if err != nil {
			s.why[x.place] = fmt.Sprintf("%.60q: %v", x.text, err)
			continue // no module any more
		}
		if had(before, x) {
			continue // the same
		}
		s.legal[sort], s.legal[x.place] = true, true
		if err := e.again(after); err != nil {
			e.t.Errorf("%s (%s): saved and applied: %v", x, x.place, err)
		}
		for _, why := range untold(before, after, x, x.readers(x.apply(text))) {
			e.t.Errorf("%s (%s): %s", x, x.place, why)
		}
		if s.applied++; !e.moving && (s.applied%applyEach == 0 || os.Getenv("MLP_SOAK") != "") {
			for _, why := range e.backAgain(x, text) {
				e.t.Errorf("%s (%s): %s", x, x.place, why)
			}
		}
	}
}

// applyEach says of how many edits one is applied and taken back.
const applyEach = 12

// backAgain applies the files as they were edited, writes the former text, and applies that. It returns what is wrong with the plans on
// the way: after an apply nothing is left to be told, and taking the edit back is told as the edit is.
func (e *editing) backAgain(x *madeEdit, text string) (out []string) {
	e.t.Helper()
	nothing := func(when string) {
		p, err := e.plan()
		if err != nil {
			e.t.Fatal(err)
		}
		if c := review.Count(p); c.Run+c.MayRun+len(p.Changes) > 0 && x.attr != "cache" {
			out = append(out, fmt.Sprintf("%s the plan says %s: %v", when, review.Summary(p), describe(p)))
		}
	}
	e.apply()
	nothing("applied,")
	e.write(x.file, text)
	back, err := e.plan()
	if err != nil {
		e.t.Fatal(err)
	}
	if !x.passive && saysNothing(back) {
		out = append(out, "taken back, the plan has no change")
	}
	e.apply()
	nothing("taken back and applied,")
	return out
}

// saysNothing reports whether a plan lists no change, and no stage, gate or release that comes or goes.
func saysNothing(p *plan.Plan) bool {
	return len(p.Changes)+len(p.GatesGone) == 0 && !slices.ContainsFunc(p.Nodes, func(n *plan.Node) bool { return n.Verdict == plan.Remove }) &&
		!slices.ContainsFunc(p.Gates, func(g *plan.Gate) bool { return g.Replaces == "" && !g.Cached }) &&
		!slices.ContainsFunc(p.Releases, func(r *plan.Release) bool { return r.Action == plan.RemoveRelease || r.Action == plan.CreateRelease })
}

// untold is what a plan fails to say of an edit.
func untold(before, after *plan.Plan, x *madeEdit, readers []int) []string {
	var out []string
	if x.passive && sameMeaning(before, after) {
		return nil
	}
	news := func(c plan.Change) bool {
		return !slices.ContainsFunc(before.Changes, func(b plan.Change) bool {
			return b.Address == c.Address && b.Category == c.Category && b.Reason == c.Reason && fmt.Sprint(b.Cause) == fmt.Sprint(c.Cause)
		})
	}
	if !slices.ContainsFunc(after.Changes, func(c plan.Change) bool { return news(c) && (tells(c, x, readers) || x.speaksOf(c.Address)) }) && !comesOrGoes(before, after, x) {
		out = append(out, fmt.Sprintf("not told there: %s, %v", review.Summary(after), describe(after)))
	}
	for _, n := range after.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			continue
		}
		if !slices.ContainsFunc(after.Changes, func(c plan.Change) bool {
			return slices.Contains(c.Runs, n.Address) || slices.Contains(c.MayRun, n.Address)
		}) {
			out = append(out, fmt.Sprintf("%s has no cause: %v", n.Address, describe(after)))
		}
	}
	return out
}

// tells reports whether a change is at the edit's line and names what was edited.
func tells(c plan.Change, x *madeEdit, readers []int) bool {
	said := c.Address + " " + c.Cause.Path + " " + string(c.Cause.Before) + " " + string(c.Cause.After)
	if !slices.ContainsFunc(x.named, func(name string) bool { return strings.Contains(said, name) }) {
		return false
	}
	if x.sort == "dropped" { // nothing stands there any more: told where it stood in
		return true
	}
	at := func(first, last int) bool {
		return c.Range.File == x.file && c.Range.Start.Line <= last && c.Range.End.Line >= first
	}
	return at(x.first, x.last) || slices.ContainsFunc(readers, func(line int) bool { return at(line, line) })
}

// comesOrGoes reports whether the plan lists the block that was dropped as removed, a new gate or deployment as what it would
// decide or release first, or a deployment as releasing the other model that it names now.
func comesOrGoes(before, after *plan.Plan, x *madeEdit) bool {
	if n := after.Node(x.block); x.gone && n != nil && n.Verdict == plan.Remove {
		return before.Node(x.block).Range.Start.Line == x.first
	}
	is := func(r *plan.Release, action plan.ReleaseAction) bool {
		return r.Address == x.block && r.Action == action
	}
	if slices.ContainsFunc(after.Releases, func(r *plan.Release) bool {
		return (x.gone || x.repeats) && is(r, plan.RemoveRelease) || x.ofAttr && is(r, plan.ChangeRelease) && strings.HasSuffix(x.text, r.Model.From)
	}) {
		return true
	}
	here := func(r source.Range) bool { return r.File == x.file && r.Start.Line == x.first }
	if x.gone && slices.ContainsFunc(after.Nodes, func(n *plan.Node) bool { return n.Verdict == plan.Remove && x.speaksOf(n.Address) }) {
		return true
	}
	return (x.sort == "doubled" || x.repeats) && (slices.ContainsFunc(after.Gates, func(g *plan.Gate) bool { return g.Replaces == "" && !g.Cached && here(g.Range) }) ||
		slices.ContainsFunc(after.Releases, func(r *plan.Release) bool { return r.Action == plan.CreateRelease && here(r.Range) }))
}

// sameMeaning reports whether two plans have the same stages, gates and releases.
func sameMeaning(a, b *plan.Plan) bool {
	of := func(p *plan.Plan) (out []string) {
		for _, n := range p.Nodes {
			asked, _ := n.Policy() // of what a planner made
			out = append(out, n.Address, string(n.Definition), fmt.Sprint(n.Verdict, asked), string(n.Meta))
		}
		for _, g := range p.Gates {
			out = append(out, g.Address, string(g.Definition), string(g.Verdict), string(g.Meta))
		}
		for _, r := range p.Releases {
			out = append(out, r.Address, string(r.Action), string(r.Config))
		}
		return out
	}
	return slices.Equal(of(a), of(b))
}

// had reports whether an attribute that is added says what holds without it, by a default that is another block's.
func had(before *plan.Plan, x *madeEdit) bool {
	n := before.Node(x.block)
	if x.sort != "added" || n == nil {
		return false
	}
	if x.attr == "requires" && slices.Contains(n.After, strings.Trim(x.value, "[]")) {
		return true
	}
	var config map[string]any
	return json.Unmarshal(n.Config, &config) == nil && config[x.attr] != nil && fmt.Sprint(config[x.attr]) == x.value
}

func describe(p *plan.Plan) (out []string) {
	for _, c := range p.Changes {
		out = append(out, fmt.Sprintf("%s:%d %s %s", c.Address, c.Range.Start.Line, c.Cause.Kind, c.Cause.Path))
	}
	return out
}
