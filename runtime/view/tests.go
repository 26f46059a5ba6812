package view

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/suite"
)

// Tests shows the tests of a module as they end, in their order, and on a terminal the one that runs:
//
//	release.mlptest
//	  ✓ fraud is caught  (3 stages in 1.2 s)
//	  ✗ small amounts pass
//	      a row is not as expected   release.mlptest:14
//
// Methods may be called from several goroutines; mu guards what changes.
type Tests struct {
	on *Screen

	mu      sync.Mutex
	file    string // that the last line was about
	shown   bool   // the moving line is on the screen
	started time.Time
}

// NewTests returns a view of tests that begin now.
func NewTests(on *Screen) *Tests { return &Tests{on: on, started: time.Now()} }

// Observer is what a suite calls as its tests begin and end.
func (v *Tests) Observer() suite.Observer {
	return suite.Observer{Started: v.begin, Stage: v.stage, Done: v.test}
}

// begin shows a test that has begun.
func (v *Tests) begin(_, name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(name)
}

// stage keeps the moving line moving while a test trains, by the stage that started last.
func (v *Tests) stage(_, name string, e engine.Event) {
	s, ok := e.(engine.StageStarted)
	if !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(name + ": " + s.Address)
}

// draw replaces the moving line by text. It is called with mu held, as erase is.
func (v *Tests) draw(text string) {
	if !v.on.Terminal {
		return
	}
	v.erase()
	const widest = 76 // so that it does not wrap, which could not be erased
	r := []rune("  " + text)
	fmt.Fprint(v.on.Out, string(r[:min(len(r), widest)]))
	v.shown = true
}

// erase takes the moving line away. mu must be held.
func (v *Tests) erase() {
	if v.shown {
		fmt.Fprint(v.on.Out, "\r\x1b[K")
		v.shown = false
	}
}

// test shows one result below the name of its file, with the reasons why it did not pass.
// Results come as tests end; the lock keeps lines of two from mixing. The line of what runs now is erased first and
// drawn again by who draws it.
func (v *Tests) test(r *suite.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	if r.File != v.file {
		if v.file != "" {
			fmt.Fprintln(v.on.Out)
		}
		v.file = r.File
		fmt.Fprintln(v.on.Out, r.File)
	}
	mark := map[suite.Status]string{
		suite.Passed: v.on.Tint("32", "✓"), suite.Failed: v.on.Tint("31", "✗"), suite.Errored: v.on.Tint("31", "!"), suite.Skipped: v.on.Tint("33", "-"),
	}[r.Status]
	fmt.Fprintf(v.on.Out, "  %s %s%s\n", mark, inert(r.Name), v.ran(r))
	for _, f := range r.Failures {
		v.failure(f)
	}
}

// ran says how many stages a test ran, and how long that took; "" for tests that only plan.
func (v *Tests) ran(r *suite.Result) string {
	if len(r.Ran) == 0 {
		return ""
	}
	as := ""
	if r.Executor == "docker" {
		as = ", in containers"
	}
	return fmt.Sprintf("  (%s in %s%s)", render.Counted(len(r.Ran), "stage"), render.Duration(r.Duration.Round(time.Millisecond)), as)
}

// failure prints one reason: a summary with its place, and the detail indented below.
func (v *Tests) failure(f suite.Failure) {
	at := ""
	if !f.Range.IsZero() {
		at = fmt.Sprintf("   %s:%d", f.Range.File, f.Range.Start.Line)
	}
	fmt.Fprintf(v.on.Out, "      %s%s\n", inert(f.Summary), at)
	for line := range strings.Lines(strings.TrimRight(f.Detail, "\n")) {
		fmt.Fprintf(v.on.Out, "        %s\n", inert(strings.TrimRight(line, "\n")))
	}
}

// inert is a text in one line without what a terminal would obey: control characters, those that format (such as the
// direction of writing), and separators of lines become U+FFFD. Names of tests come from files that others may have
// written.
func inert(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\ufffd'
		}
		return r
	}, s)
}

// Summary counts the results by status, and tells how long all took; statuses that no test has are left out.
// No test at all is said in words: "0 passed" would look like success to whoever misspelt the filter.
func (v *Tests) Summary(results []*suite.Result) {
	n := map[suite.Status]int{}
	for _, r := range results {
		n[r.Status]++
	}
	parts := []string{fmt.Sprintf("%d passed", n[suite.Passed])}
	for _, s := range []struct {
		status suite.Status
		word   string
	}{{suite.Failed, "failed"}, {suite.Errored, "could not be carried out"}, {suite.Skipped, "skipped"}} {
		if n[s.status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s.status], s.word))
		}
	}
	if len(results) == 0 {
		fmt.Fprintln(v.on.Out, "No test matches the filter.")
		return
	}
	fmt.Fprintf(v.on.Out, "\n%s: %s, in %s.\n", render.Counted(len(results), "test"), strings.Join(parts, ", "), render.Duration(time.Since(v.started).Round(time.Millisecond)))
}
