package suite

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

var update = flag.Bool("update", false, "write the golden files")

// The test binary runs stages too, as the real one does: `<binary> worker`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		table.Keep(os.TempDir())
		os.Exit(component.Work(context.Background(), strings.Join(os.Args[2:], ""), stdlib.Component, table.Reset))
	}
	os.Exit(m.Run())
}

// story is a module with files of tests, and what comes of them: a file of testdata. Its comment may have lines "filter: REGEX" and
// "var: NAME=VALUE"; the file "want" is written by -update. A story without a module of its own is about base.mlp.
type story struct {
	t       *testing.T
	dir     string
	vars    workspace.Settings
	filter  *regexp.Regexp
	archive *txtar.Archive
}

func readStory(t *testing.T, path string) *story {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, dir: t.TempDir(), archive: archive}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "var: "); ok {
			s.vars = append(s.vars, workspace.Setting{Value: v})
		}
		if v, ok := strings.CutPrefix(line, "filter: "); ok {
			s.filter = regexp.MustCompile(v)
		}
	}
	own := slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return strings.HasSuffix(f.Name, ".mlp") })
	files := archive.Files
	if !own {
		base, err := os.ReadFile("testdata/base.mlp")
		if err != nil {
			t.Fatal(err)
		}
		files = append(slices.Clone(files), txtar.File{Name: "main.mlp", Data: base})
	}
	for _, f := range files {
		if f.Name == "want" {
			continue
		}
		path := filepath.Join(s.dir, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// options are those of the story's module and tests; nil with the mistakes that keep it from being read.
func (s *story) options() (*Options, source.Diagnostics) {
	s.t.Helper()
	w := &workspace.Workspace{Given: s.dir, Dir: s.dir, Roots: workspace.DataRoots{}.Of(s.dir)}
	tests, err := ReadFiles(w, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	o, lib, diags, err := OptionsOf(w, tests, Opening{Settings: s.vars})
	if own := (*front.Error)(nil); errors.As(err, &own) {
		for _, d := range own.Diagnostics {
			if own.Files[d.Subject.File] == nil {
				s.t.Errorf("%s: the text of %s is not there to be shown", d.Summary, d.Subject.File)
			}
		}
		return nil, own.Diagnostics
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { lib.Close() })
	o.Image = func(context.Context, string) (string, error) { return "", errors.New("no engine") }
	if s.filter != nil {
		o.Filter = func(file, name string) bool { return s.filter.MatchString(file + ": " + name) }
	}
	return &o, diags
}

// tell loads the tests and runs them if they have no mistakes.
func (s *story) tell() string {
	o, diags := s.options()
	if o == nil {
		return mistakes(diags)
	}
	loaded, files, more, err := Load(s.t.Context(), *o)
	if err != nil {
		s.t.Fatal(err)
	}
	told := mistakes(append(diags, more...).Sort())
	for _, d := range more {
		if d.Subject.File != "" && files[d.Subject.File] == nil {
			s.t.Errorf("%s: the text of %s is not there to be shown", d.Summary, d.Subject.File)
		}
	}
	s.editor(*o, more)
	if loaded == nil {
		return told
	}
	var out strings.Builder
	out.WriteString(told)
	seen := watched{}
	for _, r := range loaded.Run(s.t.Context(), seen.observer(&out)) {
		seen.ended(s.t, r)
	}
	folder := loaded.folder.Dir
	if err := loaded.Close(); err != nil {
		s.t.Error(err)
	}
	if _, err := os.Stat(folder); err == nil {
		s.t.Errorf("%s is left of the suite", folder)
	}
	return strings.ReplaceAll(out.String(), s.dir, "DIR")
}

// editor holds that editors tell the same mistakes as the command, less those of rows that only the engine finds.
func (s *story) editor(o Options, told source.Diagnostics) {
	s.t.Helper()
	sees, diags, err := Check(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	whole := mistakes(told)
	for _, d := range diags {
		if !strings.Contains(whole, mistakes(source.Diagnostics{d})) {
			s.t.Errorf("an editor tells what the command does not:\n%s", mistakes(source.Diagnostics{d}))
		}
	}
	for _, d := range told {
		if !strings.Contains(mistakes(diags), mistakes(source.Diagnostics{d})) && d.Code != source.CodeTestCell && d.Code != source.CodeTestAfter {
			s.t.Errorf("an editor does not tell:\n%s", mistakes(source.Diagnostics{d}))
		}
	}
	if !diags.HasErrors() && len(sees) == 0 {
		s.t.Error("an editor knows of no test what its assertions see")
	}
}

// watched is what an observer was told.
type watched struct {
	mu             sync.Mutex
	started, stage map[string]bool
}

func (w *watched) observer(out *strings.Builder) Observer {
	w.started, w.stage = map[string]bool{}, map[string]bool{}
	told := func(in map[string]bool, file, name string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		in[file+": "+name] = true
	}
	return Observer{
		Started: func(file, name string) { told(w.started, file, name) },
		Stage:   func(file, name string, _ engine.Event) { told(w.stage, file, name) },
		Done:    func(r *Result) { out.WriteString(resultText(r)) },
	}
}

// ended holds that an observer was told of what a test did.
func (w *watched) ended(t *testing.T, r *Result) {
	t.Helper()
	if w.started[r.File+": "+r.Name] == (r.Status == Skipped) {
		t.Errorf("%s: %s, started: %v", r.Name, r.Status, w.started[r.File+": "+r.Name])
	}
	if len(r.Ran) > 0 && !w.stage[r.File+": "+r.Name] {
		t.Errorf("%s: no event was told of %v", r.Name, r.Ran)
	}
}

// mistakes are diagnostics in lines: where, which, and what is told.
func mistakes(diags source.Diagnostics) string {
	var out strings.Builder
	for _, d := range diags {
		word, ok := map[source.Severity]string{source.Error: "error", source.Warning: "warning"}[d.Severity]
		if !ok {
			word = fmt.Sprint("severity ", d.Severity)
		}
		fmt.Fprintf(&out, "%s %s %s: %s\n", placeText(d.Subject), word, d.Code, d.Summary)
		for _, more := range []string{d.Detail, d.Hint} {
			if more != "" {
				out.WriteString("  " + strings.ReplaceAll(more, "\n", "\n  ") + "\n")
			}
		}
	}
	return out.String()
}

func placeText(r source.Range) string {
	if r.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%s:%d:%d-%d:%d", r.File, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
}

// resultText is what came of a test.
func resultText(r *Result) string {
	text := fmt.Sprintf("%s:%d %s %s %q", r.File, r.Line, r.Status, r.Run, r.Name)
	if r.Executor != "" {
		text += ", stages by " + r.Executor
	}
	if len(r.Ran) > 0 {
		text += ": " + strings.Join(r.Ran, ", ")
	}
	for _, f := range r.Failures {
		text += fmt.Sprintf("\n  %s %s: %s", placeText(f.Range), f.Kind, f.Summary)
		if f.Detail != "" {
			text += "\n    " + strings.ReplaceAll(f.Detail, "\n", "\n    ")
		}
	}
	return text + "\n"
}

// TestStories holds what is told of modules' tests, before they run and after.
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %v, %v; want stories", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := readStory(t, path)
			got := s.tell()
			at := slices.IndexFunc(s.archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			if *update {
				if at < 0 {
					s.archive.Files = append(s.archive.Files, txtar.File{Name: "want"})
					at = len(s.archive.Files) - 1
				}
				s.archive.Files[at].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(s.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if at < 0 || !bytes.Equal(s.archive.Files[at].Data, []byte(got)) {
				t.Errorf("%s differs; run with -update and look at the change. Got:\n%s", path, got)
			}
		})
	}
}

// TestReports: JSON, and what is shown at lines, of results.
func TestReports(t *testing.T) {
	good := &Result{Name: "good", Status: Passed, Duration: 1500 * time.Millisecond}
	bad := &Result{Name: "bad", Status: Failed, Failures: []Failure{{Summary: "s", Detail: "d", Range: source.Range{File: "a.mlptest"}}}}
	skipped := &Result{Name: "skipped", Status: Skipped, Failures: []Failure{{Summary: "s"}}}
	for _, tc := range []struct {
		results []*Result
		passed  bool
		told    string
	}{{nil, true, ""}, {[]*Result{good}, true, ""}, {[]*Result{good, bad}, false, "a.mlptest:0:0-0:0 error : bad: s\n  d\n"}, {[]*Result{skipped}, false, ""}} {
		r := ReportOf(tc.results)
		if r.Passed != tc.passed || len(r.Tests) != len(tc.results) || r.FormatVersion != "1.0" || len(tc.results) > 0 && tc.results[0] == good && r.Tests[0].DurationMS != 1500 {
			t.Errorf("got %+v", r)
		}
		if got := mistakes(Diagnostics(tc.results)); got != tc.told {
			t.Errorf("got %q, want %q", got, tc.told)
		}
	}
}

// TestCells: numbers are shown shortly, and equal within the tolerance, absolute or relative.
func TestCells(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", -2.5: "-2.5", 1e-4: "0.0001", 9e-5: "9e-05", -9e-5: "-9e-05", 1e14: "100000000000000", 1e15: "1e+15", 1.0 / 3: "0.3333333333", 0.1 + 0.2: "0.3"} {
		if got := numberText(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
	nan := math.NaN()
	for _, tc := range []struct {
		a, b      any
		tolerance float64
		want      bool
	}{
		{1.0, 1.0, 0, true}, {1.0, 1.5, 0.5, true}, {1.0, 1.6, 0.5, true}, {1.0, 2.5, 0.5, false}, {100.0, 150.0, 1.0 / 3, true}, {100.0, 151.0, 1.0 / 3, false},
		{-100.0, -101.0, 0.01, true}, {0.001, 0.002, 0.001, true}, {nan, nan, 0, true}, {nan, 1.0, 9, false}, {1.0, nan, 9, false}, {math.Inf(1), math.Inf(1), 0, true},
		{nil, nil, 0, true}, {nil, "null", 0, false}, {nil, 0.0, 9, false}, {"a", "a", 0, true}, {"1", 1.0, 0, true}, {true, "true", 0, true},
	} {
		if got := newCell(tc.a).equal(newCell(tc.b), tc.tolerance); got != tc.want {
			t.Errorf("%v and %v within %v: got %v", tc.a, tc.b, tc.tolerance, got)
		}
	}
}
