package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// Run shows the events of a run: plain lines, on a terminal a last line that moves with what is running, and at the
// end what came of the run. It knows nothing but events, so an apply, who follows it, and who reads its journal later
// see the same. Lines of a run:
//
//	train.model     started
//	train.model     done in 4.1 s
//	evaluate.test   failed: the target has one class only
//	[3/7] train.a 12/40, train.b          on a terminal, rewritten in place
//
// The trials of a trainer are told together, since there may be hundreds: how many start, and then each fifth of them; one that fails is named.
//
// It is not safe for concurrent use; the engine and iterators hand over one event at a time.
type Run struct {
	Logs   bool          // also the lines of logs
	Replay engine.Replay // what the events so far come to

	on      *Screen
	w       io.Writer
	live    bool                     // a terminal: the last line moves
	width   int                      // of the longest address of the run, for a column
	done    int                      // stages that ran
	running []stage                  // in the order of their starts
	left    map[string]bool          // out of this run, told already
	moved   map[string]time.Duration // when of a transfer a line was last written, by address
	trials  map[string]*trials       // of this run, by the trainer's address
	shown   bool                     // the moving line is on the screen, and the cursor behind it
}

// stage is one that runs. total is 0 until the stage says how much there is to do.
type stage struct {
	address     string
	done, total int
	transfer    string // what is fetched or sent of it, and how far; "" where nothing is
}

// trials are those of one trainer: how many run, and how many ran.
type trials struct {
	all, done int
	begun     bool // one of them ran
}

// NewRun returns a view on a screen, of a run whose first event is to come.
func NewRun(on *Screen) *Run {
	return &Run{on: on, w: on.Out, live: on.Terminal, left: map[string]bool{}, moved: map[string]time.Duration{}, trials: map[string]*trials{}}
}

// line prints one line above the moving one.
func (v *Run) line(format string, args ...any) {
	v.Erase()
	fmt.Fprintf(v.w, format+"\n", args...)
	v.draw()
}

// Erase takes the moving line away, if it is shown. Whatever prints to the terminal by another way must call it before.
func (v *Run) Erase() {
	if v.shown {
		fmt.Fprint(v.w, "\r\x1b[K")
		v.shown = false
	}
}

// draw writes the moving line anew, without a line feed, which Erase relies on. No stage running, no line.
func (v *Run) draw() {
	if !v.live || len(v.running) == 0 {
		return
	}
	parts := make([]string, len(v.running))
	for i, s := range v.running {
		parts[i] = s.address
		if s.transfer != "" {
			parts[i] += " " + s.transfer
		} else if s.total > 0 {
			parts[i] += fmt.Sprintf(" %d/%d", s.done, s.total)
		}
	}
	const widest = 78 // so that it does not wrap, which could not be erased
	text := []rune(fmt.Sprintf("  [%d/%d] %s", v.done, len(v.Replay.Started.Stages), strings.Join(parts, ", ")))
	fmt.Fprint(v.w, string(text[:min(len(text), widest)]))
	v.shown = true
}

// Event shows one event of the run. Events that say nothing to a person, such as StageStored, change the moving line
// alone; those of kinds that a later version of mlp writes into a journal are passed over.
func (v *Run) Event(e engine.Event) {
	v.Replay.Add(e)
	switch e := e.(type) {
	case engine.RunStarted:
		v.started(e)
	case engine.Moved:
		v.line("  %s  moved to %s", v.name(e.From), e.To)
	case engine.StageStarted:
		v.stageStarted(e)
	case engine.StageProgress:
		v.progress(e)
	case engine.StageLog:
		if v.Logs {
			v.line("  %s  | %s", v.name(e.Address), render.Line(e.Line))
		}
	case engine.StageTransfer:
		v.transfer(e)
	case engine.StoreWaits:
		v.line("  %s", waitText(e.Wait, e.Until))
	case engine.StageWarning:
		v.line("  %s  %s", v.name(e.Address), v.on.Tint("33", "warning: ")+render.Line(e.Message))
	case engine.StageRetried:
		v.line("  %s  attempt %d failed: %s; trying again in %s", v.name(e.Address), e.Attempt, render.Line(e.Why), render.Duration(e.Wait))
	case engine.StageStored:
		v.stop(e.Address)
		v.draw()
	case engine.StageDone:
		v.stageDone(e)
	case engine.StageFailed:
		v.failed(e.Address, e.Failure)
	case engine.RebuildFailed:
		v.failed(e.Address, e.Failure)
	case engine.ReleaseDecided:
		if e.Failure != nil {
			v.failed(e.Address, e.Failure)
		}
	case engine.UnitBlocked:
		v.blocked(e)
	case engine.CheckDecided:
		if !e.Passed {
			v.line("  %s  %s", v.name(e.Address), v.on.Tint("31", "the check failed"))
		}
	case engine.Stopping:
		v.line("Stopping: %d running stages are let finish. Interrupt again to end them.", e.Running)
	case engine.LinesLeftOut:
		if v.Logs {
			v.line("  Further lines are in the log of each stage alone.")
		}
	case engine.RunEnded:
		v.Erase()
		if e.Error == "" {
			v.on.summary(&v.Replay)
		}
	}
}

// started takes the width of the first column from all stages of the run, so that the column does not move later, and counts trials.
func (v *Run) started(e engine.RunStarted) {
	for _, of := range e.Stages {
		if trainer, role := address.Of(of); address.Role(role) == string(schema.TrialRole) {
			of = trainer
			if v.trials[of] == nil {
				v.trials[of] = &trials{}
			}
			v.trials[of].all++
		}
		v.width = max(v.width, len(of))
	}
	if len(e.Stages) > 0 {
		fmt.Fprintln(v.w)
	}
}

// failed shows the failure in one line; detail and the end of the log follow in the summary at the end.
func (v *Run) failed(address string, f *engine.Failure) {
	v.stop(address)
	v.line("  %s  %s", v.name(address), v.on.Tint("31", "failed: ")+render.Line(summaryOf(address, f)))
}

// blocked tells of a stage or release once: the two parts of a batch deployment, its stage and its release, have one
// address.
func (v *Run) blocked(e engine.UnitBlocked) {
	if !v.left[e.Address] {
		v.left[e.Address] = true
		v.line("  %s  held by %s", v.name(e.Address), strings.Join(e.By, ", "))
	}
}

// name is an address, filled up with blanks to the width of its column.
func (v *Run) name(address string) string { return fmt.Sprintf("%-*s", v.width, address) }

// stageStarted adds the stage to those running. In a log file, where nothing moves, a line says so, for the first
// attempt alone: the others follow a line of StageRetried.
func (v *Run) stageStarted(e engine.StageStarted) {
	v.Erase()
	v.stop(e.Address)
	v.running = append(v.running, stage{address: e.Address})
	if e.Rebuild {
		v.line("  %s  its result is gone from the store: running again", v.name(e.Address))
		return
	}
	trainer, t := v.trialsOf(e.Address)
	switch {
	case v.live || e.Attempt > 1:
	case t == nil:
		fmt.Fprintf(v.w, "  %s  started\n", v.name(e.Address))
	case !t.begun:
		fmt.Fprintf(v.w, "  %s  %d %s started\n", v.name(trainer), t.all, render.Plural(t.all, "trial", "trials"))
	}
	if t != nil {
		t.begun = true
	}
	v.draw()
}

// trialsOf are those that a stage is one of, with the trainer's address; nil where it is none.
func (v *Run) trialsOf(of string) (trainer string, t *trials) {
	trainer, role := address.Of(of)
	if address.Role(role) != string(schema.TrialRole) {
		return "", nil
	}
	return trainer, v.trials[trainer]
}

// progress takes over that of a stage. It is shown on a terminal alone: a log file would fill with percentages.
func (v *Run) progress(e engine.StageProgress) {
	if !v.live {
		return
	}
	v.Erase()
	for i := range v.running {
		if v.running[i].address == e.Address {
			v.running[i].done, v.running[i].total = e.Done, e.Total
		}
	}
	v.draw()
}

// transferEvery is how long a transfer goes on between two lines of a log file.
const transferEvery = 15 * time.Second

// transfer shows how far what a stage reads is fetched, or what it yielded is sent: on a terminal in the moving line, in a log file as a line once
// in a while.
func (v *Run) transfer(e engine.StageTransfer) {
	v.Erase()
	text, over := transferText(e.Fetched, e.Done, e.Total), e.Done >= e.Total
	i := slices.IndexFunc(v.running, func(s stage) bool { return s.address == e.Address })
	if i < 0 && !over { // what it reads, before it starts
		i, v.running = len(v.running), append(v.running, stage{address: e.Address})
	}
	if i >= 0 {
		v.running[i].transfer = text
		if over {
			v.running[i].transfer = ""
		}
	}
	if last := v.moved[e.Address]; !v.live && (e.Elapsed < last || e.Elapsed-last >= transferEvery) {
		if e.Elapsed < last { // another transfer
			v.moved[e.Address] = 0
		}
		if e.Elapsed >= transferEvery {
			v.moved[e.Address] = e.Elapsed
			v.line("  %s  %s, %s so far", v.name(e.Address), text, render.Duration(e.Elapsed.Round(time.Second)))
		}
	}
	v.draw()
}

// stop takes the stage out of those running. The moving line is left erased, for a line that follows.
func (v *Run) stop(address string) {
	v.Erase()
	v.running = slices.DeleteFunc(v.running, func(s stage) bool { return s.address == address })
}

// stageDone counts and shows a stage that ran. A stage that turned out to be cached, since what is upstream yielded the
// same bytes as before, is no line: nothing happened.
func (v *Run) stageDone(e engine.StageDone) {
	v.stop(e.Address)
	if e.Status != engine.Cached {
		v.done++
	}
	trainer, t := v.trialsOf(e.Address)
	if t != nil && t.done < t.all { // one that is made again ran before
		t.done++
	}
	switch {
	case t != nil && t.begun && (t.done%max(1, t.all/5) == 0 || t.done == t.all):
		v.line("  %s  %d of %d %s done", v.name(trainer), t.done, t.all, render.Plural(t.all, "trial", "trials"))
	case t != nil, e.Status == engine.Cached:
		v.draw()
	default:
		v.line("  %s  done in %s", v.name(e.Address), render.Duration(e.Duration.Round(time.Millisecond)))
	}
}
