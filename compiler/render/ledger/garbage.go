package ledger

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Collected is what a collection of garbage came to; its JSON is what scripts read.
type Collected struct {
	DryRun     bool      `json:"dry_run,omitempty"`
	Kept       Kept      `json:"kept"`    // how long results are kept, and by which rule
	Deleted    int       `json:"deleted"` // objects and records that were marked before
	Freed      int64     `json:"freed"`   // bytes
	Found      int       `json:"found"`   // objects and records that nothing needs
	FoundBytes int64     `json:"found_bytes"`
	Used       int       `json:"used"`         // objects and records that something needs
	Marked     int       `json:"marked"`       // those of the mark that is open
	Due        time.Time `json:"due,omitzero"` // from when on these are deleted
	Blocks     []Garbage `json:"blocks"`       // what was found, by block
}

// Kept says how long results are kept that others took the place of.
type Kept struct {
	Given  string     `json:"given,omitempty"` // by --keep-days, which counts before what pipelines say: "30d"
	States []KeptRule `json:"states"`          // by pipeline and workspace
	Alone  string     `json:"alone"`           // results that no state has or had: the longest of these
}

// KeptRule is what the state of a workspace says.
type KeptRule struct {
	Pipeline  string `json:"pipeline"`
	Workspace string `json:"workspace"`
	Keep      string `json:"keep"`
	Default   bool   `json:"default,omitempty"` // the pipeline block does not say
}

// lines say by which rule results are kept. Workspaces of a pipeline that say the same are told at once.
func (k *Kept) lines(p *printer) {
	if k.Given != "" {
		p.Line("What was replaced is kept for %s: --keep-days, which counts before what pipelines say.", k.Given)
		return
	}
	type said struct {
		pipeline, keep string
		byDefault      bool
	}
	var order []said
	in, longest := map[said][]string{}, true
	for _, r := range k.States {
		s := said{r.Pipeline, r.Keep, r.Default}
		if in[s] == nil {
			order = append(order, s)
		}
		in[s] = append(in[s], render.Line(r.Workspace))
		longest = longest && r.Keep == k.Alone
	}
	for _, s := range order {
		where, why := render.Line(s.pipeline), "keep in its pipeline block"
		if slices.ContainsFunc(order, func(o said) bool { return o != s && o.pipeline == s.pipeline }) {
			where += " (" + strings.Join(render.Shortened(in[s], 4), ", ") + ")"
		}
		if s.byDefault {
			why = "the default, as its pipeline block says nothing"
		}
		p.Line("%s keeps what was replaced for %s: %s.", where, render.Line(s.keep), why)
	}
	if !longest {
		p.Line("What no state has or had is kept for %s, the longest of these.", render.Line(k.Alone))
	}
}

// Garbage is what nothing needs of the results of a block.
type Garbage struct {
	Block  string `json:"block"` // empty: of no record
	Values int    `json:"values"`
	Bytes  int64  `json:"bytes"`
}

// Garbage writes what was found and deleted.
// Deleting takes two runs: the first marks what nothing needs, one after the due time deletes what was marked and still
// is needed by nothing. So an apply that started before the mark, and reuses one of these, loses nothing. The last line
// says which of the two this run was and what to do next. Values are objects and records together.
func (c *Collected) Garbage(w io.Writer) error {
	p := &printer{}
	if c.Found > 0 {
		rows := [][]string{{"BLOCK", "VALUES", "SIZE"}}
		for _, b := range c.Blocks {
			rows = append(rows, []string{cmp.Or(render.Line(b.Block), "(of no record)"), fmt.Sprint(b.Values), render.Bytes(b.Bytes)})
		}
		p.table(rows)
		p.Line("")
	}
	c.Kept.lines(p)
	p.Line("%d objects and records are needed; %d (%s) are not.", c.Used, c.Found, render.Bytes(c.FoundBytes))
	if c.Deleted > 0 {
		p.Line("%d that were marked before are deleted: %s.", c.Deleted, render.Bytes(c.Freed))
	}
	switch due := c.Due.UTC().Format("2006-01-02 15:04Z"); {
	case c.DryRun && c.Marked > 0:
		p.Line("%d are marked; 'mlp gc' deletes them from %s on, unless they are used until then.", c.Marked, due)
	case c.DryRun:
		p.Line("Nothing was marked or deleted.")
	case c.Marked > 0:
		p.Line("%d are marked: run 'mlp gc' again from %s on, which deletes those that are not used until then.", c.Marked, due)
	}
	_, err := io.WriteString(w, p.String())
	return err
}
