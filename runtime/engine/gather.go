package engine

import (
	"context"
	"time"
)

// Gathering.
//
// To store a stage's result takes six waits for the disk or more: contents, then names, of its objects, its record and the revision.
// Results that are stored together have them together. Where stages take milliseconds and a disk less, each would be stored alone. So what
// stages yield is held back until a group is, as long as that holds up nothing: there are others that run, others that can be started besides,
// and none of those is less urgent than what comes after the one that is held back. A stage that runs alone, the last ones, and those of the
// longest chain are stored at once; and so is, after a moment (longestGathering), a stage beside one that runs for hours.

// In the same way a revision waits for those that were let go together, while they are stored.

// longestGathering is how long a result is held back at most, and how long a revision waits.
const longestGathering = 250 * time.Millisecond

// gathering are results that are stored and recorded together.
type gathering struct {
	held   []gathered       // ready to be stored, and held back
	out    map[*unit]bool   // let go, and not taken in
	weight int64            // the greatest of what comes after them
	late   <-chan time.Time // of the first
	over   bool             // it was late: nothing waits any more
}

// gathered is a stage that is ready to be stored.
type gathered struct {
	unit *unit
	goOn chan struct{} // closed when it may go on
}

// gather returns when a stage's result is to be stored.
func (r *run) gather(ctx context.Context, u *unit) {
	g := gathered{u, make(chan struct{})}
	select {
	case r.gathered <- g:
	case <-ctx.Done():
		return
	}
	select {
	case <-g.goOn:
	case <-ctx.Done():
	}
}

// add holds back one more.
func (g *gathering) add(stage gathered) {
	if g.late == nil {
		g.late, g.over = time.After(longestGathering), false
	}
	g.held = append(g.held, stage)
	for _, e := range stage.unit.dependents {
		g.weight = max(g.weight, e.to.weight)
	}
}

// goOn lets those go on that are held back.
func (g *gathering) goOn() {
	for _, stage := range g.held {
		close(stage.goOn)
		g.out[stage.unit] = true
	}
	g.held = nil
}

// end lets all go on, and nothing wait for them, until more are held back.
func (g *gathering) end() {
	g.goOn()
	clear(g.out)
	g.late, g.over = nil, true
}

// complete reports whether those that have arrived are to be recorded: they are all that were let go, or no more are waited for.
func (g *gathering) complete(arrived []completion, worthwhile bool) bool {
	if len(arrived) == 0 {
		return false
	}
	missing := len(g.out)
	for _, c := range arrived {
		if g.out[c.unit] {
			missing--
		}
	}
	return missing == 0 || g.over || !worthwhile
}

// recorded notes that those that have arrived are being recorded.
func (g *gathering) recorded(arrived []completion) {
	for _, c := range arrived {
		delete(g.out, c.unit)
	}
	if len(g.held) == 0 && len(g.out) == 0 {
		g.weight, g.late, g.over = 0, nil, false
	}
}

// worthwhile reports whether more are worth waiting for: stages run, and what can be started next is as urgent as what waits for those that are held back.
func (r *run) worthwhile(g *gathering, ready *queue, running int) bool {
	return ready.Len() > 0 && (*ready)[0].weight >= g.weight && running < r.most() && running > int(r.storing.Load())
}
