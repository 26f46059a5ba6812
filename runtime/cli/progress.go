package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// progress shows a run: plain lines, and on a terminal a last line that moves with what is running.
type progress struct {
	app     *app
	w       io.Writer
	live    bool
	width   int
	total   int
	done    int
	running []stage
	left    map[string]bool // out of this run, told already
	shown   bool
}

type stage struct {
	address     string
	done, total int
}

func newProgress(a *app, p *plan.Plan) *progress {
	v := &progress{app: a, w: a.out, live: a.terminal(a.out), left: map[string]bool{}}
	for _, n := range p.Nodes {
		if n.Verdict == plan.Run || n.Verdict == plan.MayRun {
			v.total++
			v.width = max(v.width, len(n.Address))
		}
	}
	if v.total > 0 {
		fmt.Fprintln(v.w)
	}
	return v
}

// line prints one line above the moving one.
func (v *progress) line(format string, args ...any) {
	v.erase()
	fmt.Fprintf(v.w, format+"\n", args...)
	v.draw()
}

func (v *progress) erase() {
	if v.shown {
		fmt.Fprint(v.w, "\r\x1b[K")
		v.shown = false
	}
}

func (v *progress) draw() {
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
	text := []rune(fmt.Sprintf("  [%d/%d] %s", v.done, v.total, strings.Join(parts, ", ")))
	fmt.Fprint(v.w, string(text[:min(len(text), widest)]))
	v.shown = true
}

func (v *progress) close() { v.erase() }

// event shows one event of the run.
func (v *progress) event(e engine.Event) {
	switch e := e.(type) {
	case engine.Moved:
		v.line("  %s  moved to %s", v.name(e.From), e.To)
	case engine.StageStarted:
		v.started(e)
	case engine.StageProgress:
		v.moved(e)
	case engine.StageWarning:
		v.line("  %s  %s", v.name(e.Address), v.app.tint("33", "warning: ")+render.Line(e.Message))
	case engine.StageRetried:
		v.line("  %s  attempt %d failed: %s; trying again in %s", v.name(e.Address), e.Attempt, render.Line(e.Why), render.Duration(e.Wait))
	case engine.StageDone:
		v.stageDone(e)
	case engine.StageFailed:
		v.stop(e.Address)
		v.line("  %s  %s", v.name(e.Address), v.app.tint("31", "failed: ")+render.Line(summaryOf(e.Address, e.Failure)))
	case engine.StageBlocked:
		v.blocked(e)
	case engine.CheckDecided:
		if !e.Passed {
			v.line("  %s  %s", v.name(e.Address), v.app.tint("31", "the check failed"))
		}
	case engine.Stopping:
		v.line("Stopping: %d running stages are let finish. Interrupt again to end them.", e.Running)
	}
}

// blocked tells of a stage or release once; both of a batch deployment have one address.
func (v *progress) blocked(e engine.StageBlocked) {
	if !v.left[e.Address] {
		v.left[e.Address] = true
		v.line("  %s  held by %s", v.name(e.Address), strings.Join(e.By, ", "))
	}
}

func (v *progress) name(address string) string { return fmt.Sprintf("%-*s", v.width, address) }

func (v *progress) started(e engine.StageStarted) {
	v.erase()
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

func (v *progress) moved(e engine.StageProgress) {
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

func (v *progress) stop(address string) {
	v.erase()
	for i, s := range v.running {
		if s.address == address {
			v.running = append(v.running[:i], v.running[i+1:]...)
			return
		}
	}
}

func (v *progress) stageDone(e engine.StageDone) {
	v.stop(e.Address)
	if e.Cached {
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
