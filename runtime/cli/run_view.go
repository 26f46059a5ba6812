package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// runView shows the events of a run: plain lines, on a terminal a last line that moves with what is running, and at the end what came
// of it. It knows nothing but events, so an apply, who follows it, and who reads its journal later see the same.
type runView struct {
	app     *app
	w       io.Writer
	live    bool
	logs    bool // also the lines of logs
	run     engine.Replay
	width   int
	done    int
	running []stage
	left    map[string]bool // out of this run, told already
	shown   bool
}

type stage struct {
	address     string
	done, total int
}

func newRunView(a *app) *runView {
	return &runView{app: a, w: a.out, live: a.terminal(a.out), left: map[string]bool{}}
}

// line prints one line above the moving one.
func (v *runView) line(format string, args ...any) {
	v.erase()
	fmt.Fprintf(v.w, format+"\n", args...)
	v.draw()
}

func (v *runView) erase() {
	if v.shown {
		fmt.Fprint(v.w, "\r\x1b[K")
		v.shown = false
	}
}

func (v *runView) draw() {
	if !v.live || len(v.running) == 0 {
		return
	}
	parts := make([]string, len(v.running))
	for i, s := range v.running {
		parts[i] = s.address
		if s.total > 0 {
			parts[i] += fmt.Sprintf(" %d/%d", s.done, s.total)
		}
	}
	const widest = 78 // so that it does not wrap, which could not be erased
	text := []rune(fmt.Sprintf("  [%d/%d] %s", v.done, len(v.run.Started.Stages), strings.Join(parts, ", ")))
	fmt.Fprint(v.w, string(text[:min(len(text), widest)]))
	v.shown = true
}

// event shows one event of the run.
func (v *runView) event(e engine.Event) {
	v.run.Add(e)
	switch e := e.(type) {
	case engine.RunStarted:
		v.started(e)
	case engine.Moved:
		v.line("  %s  moved to %s", v.name(e.From), e.To)
	case engine.StageStarted:
		v.stageStarted(e)
	case engine.StageProgress:
		v.moved(e)
	case engine.StageLog:
		if v.logs {
			v.line("  %s  | %s", v.name(e.Address), render.Line(e.Line))
		}
	case engine.StageWarning:
		v.line("  %s  %s", v.name(e.Address), v.app.tint("33", "warning: ")+render.Line(e.Message))
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
			v.line("  %s  %s", v.name(e.Address), v.app.tint("31", "the check failed"))
		}
	case engine.Stopping:
		v.line("Stopping: %d running stages are let finish. Interrupt again to end them.", e.Running)
	case engine.LinesLeftOut:
		if v.logs {
			v.line("  Further lines are in the log of each stage alone.")
		}
	case engine.RunEnded:
		v.erase()
		if e.Error == "" {
			v.app.summary(&v.run)
		}
	}
}

func (v *runView) started(e engine.RunStarted) {
	for _, address := range e.Stages {
		v.width = max(v.width, len(address))
	}
	if len(e.Stages) > 0 {
		fmt.Fprintln(v.w)
	}
}

func (v *runView) failed(address string, f *engine.Failure) {
	v.stop(address)
	v.line("  %s  %s", v.name(address), v.app.tint("31", "failed: ")+render.Line(summaryOf(address, f)))
}

// blocked tells of a stage or release once; both of a batch deployment have one address.
func (v *runView) blocked(e engine.UnitBlocked) {
	if !v.left[e.Address] {
		v.left[e.Address] = true
		v.line("  %s  held by %s", v.name(e.Address), strings.Join(e.By, ", "))
	}
}

func (v *runView) name(address string) string { return fmt.Sprintf("%-*s", v.width, address) }

func (v *runView) stageStarted(e engine.StageStarted) {
	v.erase()
	v.stop(e.Address)
	v.running = append(v.running, stage{address: e.Address})
	if e.Rebuild {
		v.line("  %s  its result is gone from the store: running again", v.name(e.Address))
		return
	}
	if !v.live && e.Attempt == 1 {
		fmt.Fprintf(v.w, "  %s  started\n", v.name(e.Address))
	}
	v.draw()
}

func (v *runView) moved(e engine.StageProgress) {
	if !v.live {
		return
	}
	v.erase()
	for i := range v.running {
		if v.running[i].address == e.Address {
			v.running[i].done, v.running[i].total = e.Done, e.Total
		}
	}
	v.draw()
}

func (v *runView) stop(address string) {
	v.erase()
	v.running = slices.DeleteFunc(v.running, func(s stage) bool { return s.address == address })
}

func (v *runView) stageDone(e engine.StageDone) {
	v.stop(e.Address)
	if e.Status == engine.Cached {
		v.draw()
		return
	}
	v.done++
	v.line("  %s  done in %s", v.name(e.Address), render.Duration(e.Duration.Round(time.Millisecond)))
}

// tint colours a word on a terminal.
func (a *app) tint(code, s string) string {
	if a.color(a.out) {
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	return s
}
