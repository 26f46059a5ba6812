package ledger

import (
	"io"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// Repaired is what a repair of a store did or, where it was only planned, would do; its JSON is what scripts read.
type Repaired struct {
	Done     bool       `json:"done"` // false: planned
	Restored []Restored `json:"restored"`
	Dropped  []Dropped  `json:"dropped"`
	Left     []Left     `json:"left"` // what cannot be repaired here
}

// Restored is an object, or a record, of which there is a whole copy.
type Restored struct {
	What    string      `json:"what"` // object or record
	Digest  plan.Digest `json:"digest"`
	Address string      `json:"address,omitempty"` // the block that it is of
	From    string      `json:"from"`              // where the copy is
}

// Dropped is a record that cannot be relied on. It is moved aside, so that its stage runs again.
type Dropped struct {
	Fingerprint plan.Digest `json:"fingerprint"`
	Address     string      `json:"address,omitempty"`
	Why         string      `json:"why"`
}

// Left is what a repair cannot mend, and what does.
type Left struct {
	Name string `json:"name"`
	Why  string `json:"why"`
	Heal string `json:"heal"`
}

// Text writes what was done, and what is left to do.
func (r *Repaired) Text(w io.Writer) error {
	p := &printer{}
	restored, dropped := "would be restored", "would be moved aside"
	if r.Done {
		restored, dropped = "restored", "moved aside"
	}
	of := func(address string) string {
		if address == "" {
			return ""
		}
		return " of " + render.Line(address)
	}
	for _, x := range r.Restored {
		p.Line("%s %s%s: %s from %s", x.What, x.Digest.Short(), of(x.Address), restored, render.Line(x.From))
	}
	for _, x := range r.Dropped {
		p.Line("the record %s%s: %s, so that its stage runs again: %s", x.Fingerprint.Short(), of(x.Address), dropped, render.Line(x.Why))
	}
	for _, x := range r.Left {
		p.Line("%s: %s", render.Line(x.Name), render.Line(x.Why))
		p.Line("  %s", render.Line(x.Heal))
	}
	switch n := len(r.Restored) + len(r.Dropped); {
	case n+len(r.Left) == 0:
		p.Line("There is nothing to repair.")
	case r.Done:
		p.Line("")
		p.Line("%d restored, %d moved aside, %d left.", len(r.Restored), len(r.Dropped), len(r.Left))
	case n > 0:
		p.Line("")
		p.Line("Nothing was changed: with --auto-approve %d would be restored and %d moved aside.", len(r.Restored), len(r.Dropped))
	default:
		p.Line("")
		p.Line("Nothing of this can be repaired here.")
	}
	_, err := io.WriteString(w, p.String())
	return err
}
