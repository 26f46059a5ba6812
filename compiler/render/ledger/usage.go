package ledger

import (
	"cmp"
	"fmt"
	"io"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Usage is what takes the space of a store; its JSON is what scripts read. States, Past and Garbage are all results and records together, as are Blocks.
type Usage struct {
	Blocks     []BlockSpace     `json:"blocks"`     // by the block whose stage yielded them, the largest first
	Workspaces []WorkspaceSpace `json:"workspaces"` // what their states rest on now, the largest first; what several rest on counts in each
	States     Space            `json:"states"`     // what the states rest on now
	Past       Space            `json:"past"`       // what is kept beside: releases of the past, and what is young
	Garbage    Space            `json:"garbage"`    // what nothing needs
	Logs       Space            `json:"logs"`       // revisions, journals, marks, copies of records: all that is no result
	Aside      Space            `json:"quarantine"` // what was damaged
}

// Space is what values take.
type Space struct {
	Values int   `json:"values"`
	Bytes  int64 `json:"bytes"`
}

// BlockSpace is what the results of a block take.
type BlockSpace struct {
	Block string `json:"block"` // empty: of no record
	Space
	Garbage Space `json:"garbage"` // of these, what nothing needs
}

// WorkspaceSpace is what the state of a workspace rests on.
type WorkspaceSpace struct {
	Pipeline  string `json:"pipeline"`
	Workspace string `json:"workspace"`
	Space
	Alone Space `json:"alone"` // of these, what no other workspace's state rests on
}

// Text writes tables, the largest first.
func (u *Usage) Text(w io.Writer) error {
	p := &printer{}
	row := func(name string, s Space, more ...string) []string {
		return append([]string{render.Line(name), fmt.Sprint(s.Values), render.Bytes(s.Bytes)}, more...)
	}
	rows := [][]string{{"BLOCK", "VALUES", "SIZE", "OF THESE GARBAGE"}}
	for _, b := range u.Blocks {
		rows = append(rows, row(cmp.Or(b.Block, "(of no record)"), b.Space, render.Bytes(b.Garbage.Bytes)))
	}
	p.table(rows)
	p.Line("")
	rows = [][]string{{"WORKSPACE", "VALUES", "SIZE", "OF THESE ALONE"}}
	for _, s := range u.Workspaces {
		rows = append(rows, row(s.Pipeline+"/"+s.Workspace, s.Space, render.Bytes(s.Alone.Bytes)))
	}
	p.table(rows)
	p.Line("")
	rows = [][]string{{"KEPT FOR", "VALUES", "SIZE"}, row("the states, as they are now", u.States), row("releases of the past, and what is young", u.Past),
		row("nothing: garbage", u.Garbage), row("the logs, journals and copies of records", u.Logs)}
	if u.Aside.Values > 0 {
		rows = append(rows, row("a look at what was damaged (quarantine)", u.Aside))
	}
	p.table(rows)
	total := Space{}
	for _, s := range []Space{u.States, u.Past, u.Garbage, u.Logs, u.Aside} {
		total.Values, total.Bytes = total.Values+s.Values, total.Bytes+s.Bytes
	}
	p.Line("")
	p.Line("%d values, %s.", total.Values, render.Bytes(total.Bytes))
	if u.Garbage.Values > 0 {
		p.Line("'mlp gc' deletes what nothing needs, in two runs a grace apart.")
	}
	_, err := io.WriteString(w, p.String())
	return err
}
