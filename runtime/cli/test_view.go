package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/suite"
)

// testView shows tests as they end, in their order, and on a terminal what is running. Its methods are called by the
// suite from several goroutines; mu guards what changes.
type testView struct {
	app   *app
	flags testFlags

	mu      sync.Mutex
	file    string // that the last line was about
	live    bool
	running []string
	shown   bool
	started time.Time
}

func newTestView(a *app, f testFlags) *testView {
	return &testView{app: a, flags: f, live: f.format == "text" && a.terminal(a.out), started: time.Now()}
}

// observer hears of the tests only where text is written; json and junit are written at the end (finish).
func (v *testView) observer() suite.Observer {
	if v.flags.format != "text" {
		return suite.Observer{}
	}
	return suite.Observer{Started: v.begin, Stage: v.stage, Done: v.done}
}

// begin shows a test that has begun.
func (v *testView) begin(_, name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(name)
}

// stage keeps the moving line moving while a test trains, by the stage that started last.
func (v *testView) stage(_, name string, e engine.Event) {
	s, ok := e.(engine.StageStarted)
	if !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(name + ": " + s.Address)
}

// draw replaces the moving line by text. It is called with mu held, as erase is.
func (v *testView) draw(text string) {
	if !v.live {
		return
	}
	v.erase()
	const widest = 76 // so that it does not wrap, which could not be erased
	r := []rune("  " + text)
	fmt.Fprint(v.app.out, string(r[:min(len(r), widest)]))
	v.shown = true
}

// erase takes the moving line away. mu must be held.
func (v *testView) erase() {
	if v.shown {
		fmt.Fprint(v.app.out, "\r\x1b[K")
		v.shown = false
	}
}

// done shows one result below the name of its file, with the reasons why it did not pass.
// Results come as tests end; the lock keeps lines of two from mixing. The line of what runs now is erased first and
// drawn again by who draws it.
func (v *testView) done(r *suite.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	if r.File != v.file {
		if v.file != "" {
			fmt.Fprintln(v.app.out)
		}
		v.file = r.File
		fmt.Fprintln(v.app.out, r.File)
	}
	mark := map[suite.Status]string{
		suite.Passed: v.app.screen().Tint("32", "✓"), suite.Failed: v.app.screen().Tint("31", "✗"), suite.Errored: v.app.screen().Tint("31", "!"), suite.Skipped: v.app.screen().Tint("33", "-"),
	}[r.Status]
	fmt.Fprintf(v.app.out, "  %s %s%s\n", mark, inert(r.Name), v.ran(r))
	for _, f := range r.Failures {
		v.failure(f)
	}
}

// ran says how many stages a test ran, and how long that took; "" for tests that only plan.
func (v *testView) ran(r *suite.Result) string {
	if len(r.Ran) == 0 {
		return ""
	}
	as := ""
	if r.Executor == "docker" {
		as = ", in containers"
	}
	return fmt.Sprintf("  (%s in %s%s)", counted(len(r.Ran), "stage"), render.Duration(r.Duration.Round(time.Millisecond)), as)
}

// failure prints one reason: a summary with its place, and the detail indented below.
func (v *testView) failure(f suite.Failure) {
	at := ""
	if !f.Range.IsZero() {
		at = fmt.Sprintf("   %s:%d", f.Range.File, f.Range.Start.Line)
	}
	fmt.Fprintf(v.app.out, "      %s%s\n", inert(f.Summary), at)
	for line := range strings.Lines(strings.TrimRight(f.Detail, "\n")) {
		fmt.Fprintf(v.app.out, "        %s\n", inert(strings.TrimRight(line, "\n")))
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

// finish writes what is asked for beside the lines told already, and gives the exit code. A file of --junit that cannot
// be written is an error, for a CI job would show the results of an earlier run.
func (v *testView) finish(results []*suite.Result) error {
	elapsed := time.Since(v.started)
	switch v.flags.format {
	case "json":
		if err := writeJSON(v.app.out, suite.ReportOf(results)); err != nil {
			return err
		}
	case "junit":
		if err := suite.WriteJUnit(v.app.out, "mlp test", results); err != nil {
			return err
		}
	default:
		v.summary(results, elapsed)
	}
	if v.flags.junit != "" {
		if err := saveTo(v.flags.junit, func(w io.Writer) error { return suite.WriteJUnit(w, "mlp test", results) }); err != nil {
			return err
		}
	}
	v.app.annotate(suite.Diagnostics(results))
	return testOutcome(results)
}

// summary counts the results by status; statuses that no test has are left out.
// No test at all is said in words: "0 passed" would look like success to whoever misspelt the filter.
func (v *testView) summary(results []*suite.Result, elapsed time.Duration) {
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
		fmt.Fprintln(v.app.out, "No test matches the filter.")
		return
	}
	fmt.Fprintf(v.app.out, "\n%s: %s, in %s.\n", counted(len(results), "test"), strings.Join(parts, ", "), render.Duration(elapsed.Round(time.Millisecond)))
}

// saveTo writes a file whole; one that is there is replaced. A failure while writing leaves the part that was written.
func saveTo(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		file.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return file.Close()
}
