package ledger

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
)

// Revision is one revision of the state's log; its JSON is what scripts read.
type Revision struct {
	Revision int64       `json:"revision"`
	Digest   plan.Digest `json:"digest"`
	At       time.Time   `json:"at"`
	By       string      `json:"by,omitempty"`   // as they say
	User     string      `json:"user,omitempty"` // of the operating system
	Host     string      `json:"host,omitempty"`
	Apply    string      `json:"apply,omitempty"`
	Plan     plan.Digest `json:"plan,omitempty"`
	Targets  []string    `json:"targets,omitempty"` // of an apply of a part
	plan.Origin
	Upstream *plan.Upstream `json:"upstream,omitempty"` // that the state began again from
	Changes  []Change       `json:"changes"`            // by key
}

// Change is what a revision did to one key.
type Change struct {
	Kind    string `json:"kind"`    // "node", "gate", "release", "approval", "block", "hypothesis" or "watch"
	Address string `json:"address"` // of an approval, its gate's; of a hypothesis, its problem's
	Removed bool   `json:"removed,omitempty"`

	Component   string                `json:"component,omitempty"` // of a stage: "train.gradient_boosting@1"
	Engine      string                `json:"engine,omitempty"`
	Fingerprint plan.Digest           `json:"fingerprint,omitempty"`
	Data        map[string]Data       `json:"data,omitempty"`     // of what lies outside, by port
	Check       *plan.CheckState      `json:"check,omitempty"`    // of a check
	Verdict     plan.RuleVerdict      `json:"verdict,omitempty"`  // of a gate
	Model       plan.Digest           `json:"model,omitempty"`    // of a release
	From        string                `json:"from,omitempty"`     // the stage that made the model
	Rollback    *plan.Rollback        `json:"rollback,omitempty"` // of a release that was brought back
	Rollout     *plan.Rollout         `json:"rollout,omitempty"`  // of a release beside which a candidate gets a share of the rows
	Resumed     bool                  `json:"resumed,omitempty"`  // of a rollout: it was paused until then
	Promoted    *plan.Given           `json:"promoted,omitempty"` // of a release that a rollout led to
	Written     []plan.Written        `json:"written,omitempty"`  // to destinations of a deployment
	Before      plan.Digest           `json:"before,omitempty"`   // the fingerprint or model that was recorded until then
	Approval    string                `json:"approval,omitempty"`
	Given       *plan.Given           `json:"given,omitempty"`
	Hypothesis  string                `json:"hypothesis,omitempty"` // its name within the problem, which Address is
	Tested      *plan.HypothesisState `json:"tested,omitempty"`     // of a hypothesis
	Watched     *plan.WatchState      `json:"watched,omitempty"`    // of a monitor or retraining: what mlp watch did
	Described   json.RawMessage       `json:"described,omitempty"`  // of a block that is no stage and no gate
}

// Data is a version of what lies outside.
type Data struct {
	Digest  plan.Digest `json:"digest,omitempty"`
	Files   int         `json:"files,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
	Version string      `json:"version,omitempty"` // of what lies elsewhere
}

// mostTargets are how many targets of an apply are named.
const mostTargets = 4

// History writes revisions as a table, the last first. Those of one apply stand in one line, unless they are of one address.
// title is the first line. With one set, all are revisions of a single block, and each change is told with its data. Else
// the revisions that an apply wrote one after the other are a line, 12–31, with the sum of what they did: an apply
// writes one after each stage, so that what is finished is not lost with it. An approval that is given meanwhile is a
// revision of its own, and parts that line in two.
//
// Times are in UTC and end in Z, whatever the zone of the reader, so that two people compare the same text.
func History(w io.Writer, title string, all []*Revision, one bool) error {
	p := &printer{}
	p.Line("%s", title)
	rows := [][]string{{"REVISION", "WHEN", "WHO", "COMMIT", "WHAT"}}
	for i := len(all) - 1; i >= 0; i-- {
		last := all[i]
		for !one && last.Apply != "" && i > 0 && all[i-1].Apply == last.Apply {
			i--
		}
		group := all[i : i+1 : i+1]
		for j := i + 1; j < len(all) && all[j].Revision <= last.Revision; j++ {
			group = append(group, all[j])
		}
		number := fmt.Sprint(last.Revision)
		if len(group) > 1 {
			number = fmt.Sprintf("%d–%d", group[0].Revision, last.Revision)
		}
		what := told(group)
		if one {
			what = detailed(last)
		}
		if of := last.Targets; len(of) > 0 {
			names := strings.Join(of[:min(len(of), mostTargets)], ", ")
			if more := len(of) - mostTargets; more > 0 {
				names += fmt.Sprintf(" and %d more", more)
			}
			what = append([]string{"only a part: " + render.Line(names)}, what...)
		}
		for _, r := range group {
			if u := r.Upstream; u != nil {
				what = append([]string{fmt.Sprintf("begins from %s, revision %d", render.Line(u.Workspace), u.Revision)}, what...)
			}
		}
		rows = append(rows, []string{number, last.At.UTC().Format("2006-01-02 15:04Z"), last.who(), commitText(last.Origin), what[0]})
		for _, further := range what[1:] {
			rows = append(rows, []string{"", "", "", "", further})
		}
	}
	p.table(rows)
	_, err := io.WriteString(w, p.String())
	return err
}

// table writes rows in columns; the last is as wide as it is.
// Widths are those of a terminal: an East Asian character takes two columns, a combining one none.
func (p *printer) table(rows [][]string) {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if len(width) <= i {
				width = append(width, 0)
			}
			width[i] = max(width[i], render.Columns(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			line += " " + render.Pad(cell, width[i]) + " "
		}
		p.Line("%s", line)
	}
}

// who wrote a revision: as they say, as which user of which machine, in which run of a CI system.
func (r *Revision) who() string {
	who := render.Line(r.By)
	switch {
	case who == "":
		who = "–"
	case r.User != "" && r.User != r.By:
		who += fmt.Sprintf(" (user %s on %s)", render.Line(r.User), render.Line(r.Host))
	case r.Host != "":
		who += " on " + render.Line(r.Host)
	}
	if r.CI != nil {
		who += ", " + ciText(r.CI)
	}
	return who
}

// ciText names a run of a CI system, "github run 4711 of zoe", where zoe is who the system says started it. That is the
// system's word, as the name of the machine is; neither is proven here.
func ciText(ci *plan.CI) string {
	text := render.Line(ci.System) + " run " + render.Line(ci.Run)
	if ci.Actor != "" {
		text += " of " + render.Line(ci.Actor)
	}
	return text
}

// shortCommit is how many digits of a commit are shown.
const shortCommit = 12

// commitText is the commit that the files were of. "changed" says that they were not as committed: what ran cannot be
// had by a checkout of that commit alone.
func commitText(o plan.Origin) string {
	text := render.Line(o.Commit)
	if text == "" {
		return "–"
	}
	text = text[:min(len(text), shortCommit)]
	if o.Dirty {
		text += " changed"
	}
	return text
}

// told sums up what the revisions of an apply did: stages by their number, all else by name.
// A line has the stages: "2 stages, 1 stage removed". A gate or release that came to be decided several times in one
// apply is told once, as it was at last. Descriptions (blocks that are no stage, such as the pipeline's own text) are
// told of only where nothing else changed, since each apply after a change of words has some.
func told(group []*Revision) []string {
	stages, gone, blocks := map[string]bool{}, map[string]bool{}, map[string]bool{}
	named := map[string]string{}
	for _, r := range group {
		for _, c := range r.Changes {
			switch {
			case c.Kind == "node" && c.Removed:
				gone[c.Address] = true
			case c.Kind == "node":
				stages[c.Address] = true
			case c.Kind == "block":
				blocks[c.Address] = true
			default:
				named[c.Kind+"/"+c.Address+"/"+c.Approval+c.Hypothesis] = c.text() // the last of an apply counts
			}
		}
	}
	var out []string
	count := func(n int, one, many string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, render.Plural(n, one, many)))
		}
	}
	count(len(stages), "stage", "stages")
	count(len(gone), "stage removed", "stages removed")
	if len(out) > 0 {
		out = []string{strings.Join(out, ", ")}
	}
	keys := make([]string, 0, len(named))
	for key := range named {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		out = append(out, named[key])
	}
	if len(out) == 0 {
		count(len(blocks), "description", "descriptions")
	}
	if len(out) == 0 {
		out = []string{"–"}
	}
	return out
}

// detailed tells all that a revision did, a line for each.
func detailed(r *Revision) []string {
	out := []string{}
	for _, c := range r.Changes {
		out = append(out, c.text())
		for port, d := range sorted(c.Data) {
			out = append(out, "  "+port+": "+d.text())
		}
	}
	return out
}

// text is a version of data in words: files that were read by their number, size and digest; what is fetched from
// elsewhere by what the other side calls its version, such as an ETag.
func (d Data) text() string {
	if d.Files > 0 || d.Version == "" {
		return fmt.Sprintf("%d %s, %d bytes (%s)", d.Files, render.Plural(d.Files, "file", "files"), d.Bytes, d.Digest.Short())
	}
	return render.ShortVersion(d.Version)
}

// text is a change in one line.
// The first case that fits tells it, so that what is more special stands first. What was there before stands in
// brackets: a reader who asks why a model is live asks next what it replaced.
func (c *Change) text() string {
	address := render.Line(c.Address)
	was := ""
	if c.Before != "" {
		was = " (was " + c.Before.Short() + ")"
	}
	switch {
	case c.Kind == "approval" && c.Removed:
		return fmt.Sprintf("%s approval %s withdrawn", address, render.Line(c.Approval))
	case c.Kind == "hypothesis" && c.Tested == nil:
		return fmt.Sprintf("%s hypothesis %s removed", address, render.Line(c.Hypothesis))
	case c.Kind == "hypothesis":
		return fmt.Sprintf("%s hypothesis %s: %s", address, render.Line(c.Hypothesis), render.HypothesisVerdict(c.Tested.Verdict))
	case c.Kind == "watch" && c.Watched != nil:
		return address + " " + Watched(c.Watched)
	case c.Removed:
		return address + " removed" + was
	case c.Kind == "approval":
		return fmt.Sprintf("%s approval %s given by %s", address, render.Line(c.Approval), review.GivenText(*c.Given))
	case c.Kind == "gate":
		return fmt.Sprintf("%s decided: %s", address, c.Verdict)
	case c.Kind == "release":
		return address + " " + c.released(was)
	case c.Kind == "block":
		return address + " described"
	}
	text := fmt.Sprintf("%s %s  %s%s", address, render.Line(c.Component), c.Fingerprint.Short(), was)
	if c.Check != nil {
		text += "  " + string(c.Check.Verdict)
	}
	return text
}

// released is what became of a release; was is what it replaced, in brackets.
func (c *Change) released(was string) string {
	model := fmt.Sprintf("%s %s%s", render.Line(c.From), c.Model.Short(), was)
	back := c.Rollback
	switch r := c.Rollout; {
	case r != nil && c.Resumed:
		return fmt.Sprintf("%s %s: %s, resumed", render.Line(r.Next.From), r.Next.Model.Short(), review.Rollout(r))
	case r != nil && r.Moved != nil && r.Paused == nil:
		return fmt.Sprintf("%s %s: %s, promoted by %s", render.Line(r.Next.From), r.Next.Model.Short(), review.Rollout(r), review.GivenText(*r.Moved))
	case r != nil:
		return fmt.Sprintf("%s %s: %s", render.Line(r.Next.From), r.Next.Model.Short(), review.Rollout(r))
	case c.Promoted != nil && c.Before != "":
		return fmt.Sprintf("released: %s, promoted by %s", model, review.GivenText(*c.Promoted))
	case back == nil && len(c.Written) > 0:
		text := "released: " + model
		if c.Model == c.Before {
			text = "stays: " + model
		}
		for _, w := range c.Written {
			text += "; written: " + review.WrittenText(w)
		}
		return text
	case back == nil:
		return "released: " + model
	case back.Lifted != nil:
		return "rollback lifted by " + review.GivenText(*back.Lifted)
	}
	if held := back.Held[len(back.Held)-1]; c.Before == "" && held.Role != "" {
		return fmt.Sprintf("%s of %s %s aborted by %s", render.Line(string(held.Role)), render.Line(held.From), held.Model.Short(), review.GivenText(back.Given))
	}
	return fmt.Sprintf("rolled back to revision %d: %s by %s", back.To, model, review.GivenText(back.Given))
}
