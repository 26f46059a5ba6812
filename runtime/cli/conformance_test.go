package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib/table"
)

const conformanceDir = "../../spec/conformance"

// conformanceCase is a file of spec/conformance, whose README gives the format.
type conformanceCase struct {
	name, rule, mistake string
	vars                workspace.Settings
	files               []txtar.File
	want                []expectation
}

// expectation is a diagnostic that a case asks for. Line 0 means that it is about no place.
type expectation struct {
	severity     source.Severity
	code, file   string
	line, column int
	texts        []string
}

func (e expectation) String() string {
	word, at := "want", "-"
	if e.severity == source.Warning {
		word = "warn"
	}
	if e.line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.file, e.line, e.column)
	}
	s := fmt.Sprintf("%s %s %s", word, at, e.code)
	for _, t := range e.texts {
		s += fmt.Sprintf(" %q", t)
	}
	return s
}

func (e expectation) matches(d source.Diagnostic) bool {
	at := d.Subject
	if e.severity != d.Severity || e.code != d.Code || e.file != at.File || e.line != at.Start.Line || e.column != at.Start.Column {
		return false
	}
	said := d.Summary + "\n" + d.Detail + "\n" + d.Hint
	return !slices.ContainsFunc(e.texts, func(t string) bool { return !strings.Contains(said, t) })
}

var (
	wantInLine = regexp.MustCompile(`(?:#|//) (w(?:ant|arn) MLP.*)$`)
	wantClause = regexp.MustCompile(`^(want|warn) (MLP\d{4}) @(\d+)((?: "[^"]*")*)$`)
	wantHeader = regexp.MustCompile(`^(want|warn) (?:-|(\S+):(\d+):(\d+)) (MLP\d{4})((?: "[^"]*")*)$`)
	quotedText = regexp.MustCompile(`"([^"]*)"`)
)

func newExpectation(word, code, file, line, column, texts string) expectation {
	e := expectation{severity: source.Error, code: code, file: file}
	if word == "warn" {
		e.severity = source.Warning
	}
	e.line, _ = strconv.Atoi(line)     // the patterns take digits only
	e.column, _ = strconv.Atoi(column) // likewise
	for _, t := range quotedText.FindAllStringSubmatch(texts, -1) {
		e.texts = append(e.texts, t[1])
	}
	return e
}

func readCase(t *testing.T, path string) conformanceCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := conformanceCase{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: archive.Files}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimRight(line, "\n")
		if m := wantHeader.FindStringSubmatch(line); m != nil {
			c.want = append(c.want, newExpectation(m[1], m[5], m[2], m[3], m[4], m[6]))
		} else if v, ok := strings.CutPrefix(line, "var: "); ok {
			c.vars = append(c.vars, workspace.Setting{Value: v})
		} else if v, ok := strings.CutPrefix(line, "mistake: "); ok {
			c.mistake = v
		} else if strings.HasPrefix(line, "want ") || strings.HasPrefix(line, "warn ") {
			t.Fatalf("%s: no expectation: %s", c.name, line)
		} else {
			c.rule += line
		}
	}
	for _, f := range archive.Files {
		c.expectIn(t, f)
	}
	return c
}

// expectIn reads the expectations that stand in comments behind the lines that they are about.
func (c *conformanceCase) expectIn(t *testing.T, f txtar.File) {
	for i, line := range strings.Split(string(f.Data), "\n") {
		m := wantInLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		for _, clause := range strings.Split(m[1], "; ") {
			w := wantClause.FindStringSubmatch(clause)
			if w == nil {
				t.Fatalf("%s: no expectation: %s", c.name, clause)
			}
			c.want = append(c.want, newExpectation(w[1], w[2], f.Name, strconv.Itoa(i+1), w[3], w[4]))
		}
	}
}

func conformanceCases(t *testing.T) []conformanceCase {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(conformanceDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var out []conformanceCase
	for _, path := range paths {
		out = append(out, readCase(t, path))
	}
	return out
}

// diagnose says what validation says of the case's files, as the command does, with bindings shared between cases.
func (c *conformanceCase) diagnose(t *testing.T, binder *table.Binder) source.Diagnostics {
	t.Helper()
	a := &app{}
	a.Dir = t.TempDir()
	a.Roots = workspace.DataRoots{}.Of(a.Dir)
	for _, f := range c.files {
		path := filepath.Join(a.Dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if tests, err := filepath.Glob(filepath.Join(a.Dir, "*"+syntax.TestExtension)); err != nil || len(tests) > 0 {
		return c.diagnoseTests(t, a)
	}
	lock, err := workspace.ReadLock(a.Dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Compile(t.Context(), c.vars, a.NewLibrary(lock, binder))
	var unread *front.Error
	if errors.As(err, &unread) {
		return unread.Diagnostics.Sort()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.Diagnostics
}

// diagnoseTests says what `mlp test` says of the case's tests before any of them runs.
func (c *conformanceCase) diagnoseTests(t *testing.T, a *app) source.Diagnostics {
	t.Helper()
	tests, err := suite.ReadFiles(&a.Workspace, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, lib, diags, err := suite.OptionsOf(&a.Workspace, tests, suite.Opening{Settings: c.vars})
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close()
	s, _, more, err := suite.Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		defer s.Close()
	}
	return append(diags, more...).Sort()
}

// TestConformance holds the compiler to spec/conformance: of each case it says what is expected there and nothing else.
func TestConformance(t *testing.T) {
	binder := table.NewBinder(nil)
	defer binder.Close()
	for _, c := range conformanceCases(t) {
		t.Run(c.name, func(t *testing.T) {
			left := c.diagnose(t, binder)
			for _, e := range c.want {
				i := slices.IndexFunc(left, e.matches)
				if i < 0 {
					t.Errorf("missing: %s", e)
					continue
				}
				left = slices.Delete(left, i, i+1)
			}
			for _, d := range left {
				e := expectation{severity: d.Severity, code: d.Code, file: d.Subject.File, line: d.Subject.Start.Line, column: d.Subject.Start.Column}
				t.Errorf("not expected: %s\n    %s | %s | %s", e, d.Summary, d.Detail, d.Hint)
			}
		})
	}
}

// notValidated are the codes that no case can have, since it takes more than a module's files to meet them, and where
// they are tested.
var notValidated = map[string]string{
	source.CodeFileSize:        "takes a file of 16 MB: lang/syntax",
	source.CodeUnreadable:      "takes a file without permission to read: lang/syntax",
	source.CodeUnformatted:     "mlp fmt says it: lang/format",
	source.CodeMissingBlock:    "no kind of the standard library has a nested block that is required: lang/syntax",
	source.CodeDefinitionCycle: "no kind of the standard library is defined by another of its own: compiler/resolve",
	"MLP1601":                  "the planner says it: compiler/planner",
	"MLP1602":                  "the planner asks the container engine: compiler/planner",
	"MLP1603":                  "the planner looks at the files: compiler/planner",
	"MLP1604":                  "the planner reads the store: compiler/planner",
	"MLP1605":                  "the planner adds the scoring stage: compiler/planner",
	"MLP1606":                  "the planner puts rules together: compiler/planner",
	"MLP1607":                  "the planner looks for secrets: compiler/planner",
	"MLP1608":                  "the planner is given targets: testdata/script/targets.txtar",
	"MLP1609":                  "the planner is asked for a sample: testdata/script/sample.txtar",
	"MLP1611":                  "the planner compares with the state: testdata/script/moved.txtar",
	"MLP1801":                  "the planner compares with the state: testdata/script/approvals.txtar",
	"MLP1802":                  "a rollback is recorded: testdata/script/rollback.txtar",
	"MLP1803":                  "the planner tells how long steps take: compiler/canary, testdata/script/release_rules.txtar",
	"MLP1811":                  "the planner looks at the store: testdata/script/other_names.txtar",
	"MLP1812":                  "git is asked: testdata/script/behind.txtar",
	"MLP1612":                  "the planner compares with the state: testdata/script/accept.txtar",
	"MLP1613":                  "the planner compares with the state: testdata/script/accept.txtar",
	"MLP1702":                  "mlp plan looks at the files: the scripts of runtime/cli",
	"MLP1703":                  "mlp plan looks at the files: the scripts of runtime/cli",
	"MLP1706":                  "mlp init fetches: the scripts of runtime/cli",
	"MLP1710":                  "mlp plan asks a server: TestHTTPSource",
	"MLP1711":                  "mlp plan asks a server: TestHTTPSource",
	"MLP1712":                  "mlp plan asks a server: TestHTTPSource",
	"MLP1707":                  "mlp plan reads the store: TestDamaged",
	"MLP1701":                  "mlp plan says it, validate does not: the scripts of runtime/cli",
}

// TestConformanceCovers demands a case for each code that validation can give, 150 cases and more, and the twenty mistakes
// that newcomers from other languages make.
func TestConformanceCovers(t *testing.T) {
	cases := conformanceCases(t)
	covered := map[string]bool{}
	valid, mistakes := 0, 0
	for _, c := range cases {
		if strings.TrimSpace(c.rule) == "" {
			t.Errorf("%s does not say which rule it is about", c.name)
		}
		for _, e := range c.want {
			covered[e.code] = true
		}
		if len(c.want) == 0 {
			valid++
		}
		if c.mistake != "" {
			mistakes++
			if len(c.want) > 0 && !slices.ContainsFunc(c.want, func(e expectation) bool { return len(e.texts) > 0 }) {
				t.Errorf("%s: a common mistake asks for the text that helps with it", c.name)
			}
		}
	}
	text, err := os.ReadFile("../../spec/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (MLP\d{4}) `).FindAllSubmatch(text, -1) {
		code := string(m[1])
		known[code] = true
		if covered[code] == (notValidated[code] != "") {
			t.Errorf("%s: covered by a case %v, listed as not to be met %v; want one of them", code, covered[code], notValidated[code] != "")
		}
	}
	for _, code := range slices.Concat(slices.Sorted(maps.Keys(covered)), slices.Sorted(maps.Keys(notValidated))) {
		if !known[code] {
			t.Errorf("%s is no code of spec/errors.md", code)
		}
	}
	if len(cases) < 150 || mistakes < 20 || valid < 30 {
		t.Errorf("got %d cases, %d of common mistakes, %d valid; want at least 150, 20 and 30", len(cases), mistakes, valid)
	}
}

// TestConformanceText holds cases to what other implementations can read: names with a number, and no absolute paths.
func TestConformanceText(t *testing.T) {
	name := regexp.MustCompile(`^\d{4}_[a-z0-9_]+$`)
	numbers := map[string]string{}
	for _, c := range conformanceCases(t) {
		if !name.MatchString(c.name) {
			t.Errorf("%s: a name is four digits, _ and small letters", c.name)
		}
		if other, ok := numbers[c.name[:4]]; ok {
			t.Errorf("%s and %s have the same number", other, c.name)
		}
		numbers[c.name[:4]] = c.name
		for _, f := range c.files {
			if !filepath.IsLocal(f.Name) || bytes.Contains(f.Data, []byte("/tmp/")) {
				t.Errorf("%s: %s is not self-contained", c.name, f.Name)
			}
		}
	}
}
