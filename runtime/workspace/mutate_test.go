package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// mutator changes a saved plan in one place at a time.
type mutator struct {
	root map[string]any
	// wanted reports whether a place, a path without positions, is to be changed once more in a way.
	wanted func(place, way string) bool
	try    func(place, way string, text []byte)
	t      *testing.T
}

// seal signs the plan as it is now, and has it tried.
func (m *mutator) seal(place, way string) {
	m.t.Helper()
	m.root["plan_id"] = ""
	id, err := plan.Sum("plan", m.root)
	if err != nil {
		m.t.Fatal(err)
	}
	m.root["plan_id"] = id
	text, err := json.Marshal(m.root)
	if err != nil {
		m.t.Fatal(err)
	}
	m.try(place, way, text)
}

// change sets a value for one try.
func (m *mutator) change(place, way string, now, was any, set func(any)) {
	if !m.wanted(place, way) {
		return
	}
	set(now)
	m.seal(place, way)
	set(was)
}

func (m *mutator) walk(v any, place string, set func(any)) {
	switch x := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(x))
		for i, k := range keys {
			if place == "" && (k == "plan_id" || k == "format_version") {
				continue
			}
			was, at := x[k], place+"."+k
			if m.wanted(at, "dropped") {
				delete(x, k)
				m.seal(at, "dropped")
				x[k] = was
			}
			if i > 0 && fmt.Sprintf("%T", x[keys[i-1]]) == fmt.Sprintf("%T", was) && fmt.Sprint(x[keys[i-1]]) != fmt.Sprint(was) && m.wanted(at, "swapped") {
				before := x[keys[i-1]]
				x[k], x[keys[i-1]] = before, was
				m.seal(at, "swapped")
				x[k], x[keys[i-1]] = was, before
			}
			m.walk(was, at, func(v any) { x[k] = v })
		}
	case []any:
		for i := range x {
			m.walk(x[i], place+"[]", func(v any) { x[i] = v })
			m.change(place+"[]", "element dropped", slices.Concat(x[:i], x[i+1:]), x, set)
			m.change(place+"[]", "element doubled", slices.Insert(slices.Clone(x), i, x[i]), x, set)
			if i > 0 && fmt.Sprint(x[i]) != fmt.Sprint(x[i-1]) {
				y := slices.Clone(x)
				y[i], y[i-1] = y[i-1], y[i]
				m.change(place+"[]", "elements swapped", y, x, set)
			}
		}
	case string:
		m.change(place, "more text", x+"x", x, set)
		m.change(place, "no text", "", x, set)
		if len(x) > 12 || strings.ContainsAny(x, ".:[ ") { // no verdict or kind of anything
			return
		}
		for _, word := range words {
			if word != x {
				m.change(place, "word "+word, word, x, set)
			}
		}
	case json.Number:
		for _, other := range []string{"7" + strings.TrimLeft(string(x), "-"), "0", "-1"} {
			if other != string(x) {
				m.change(place, "number", json.Number(other), x, set)
			}
		}
	case bool:
		m.change(place, "flipped", !x, x, set)
	}
}

// words are those by which a plan says that things are well, or otherwise.
var words = []string{"pass", "fail", "warn", "cached", "none", "metadata"}

// content is what a plan says that nothing else in it, in the state or in the store says: another value is that of another honest plan,
// of a module that is written so, or written elsewhere. Of each it is said why that is no harm.
var content = map[string]string{
	`\.(range|subject)\b`:             "places in files: what is there is told beside them, and nothing goes by them",
	`^\.config_digest$`:               "nothing reads it",
	`^\.outputs\b`:                    "what to show at the end: another output block. One of a stage shows what that yields",
	`^\.diagnostics\b`:                "warnings of the module's text decide nothing; those that the planner finds anew have to be there",
	`^\.nodes\[\]\.rules\.rules\[\]$`: "the rules of a check in another order: each decides by itself",
}

// first is what a plan says besides where nothing is recorded that it could differ from: it is the first plan of another module then, and
// shows what that one would.
var first = regexp.MustCompile(`^\.(described|policies)\b|^\.nodes\[\]\.(after|meta|rules)\b`)

// story is a pipeline that has what plans tell of, and told what was written otherwise since it was applied.
const story = `pipeline "p" {
  owner = "a"
}

variable "least" {
  type    = number
  default = 3
}

locals {
  names = ["a", "b"]
}

problem "p" {
  statement = "S"
  task      = "binary_classification"
  requirement "R1" {
    text        = "T"
    verified_by = [check.rows, gate.release]
  }
}

source "csv" "t" {
  path = "t.csv"
  column "id"   { type = "varchar" }
  column "v"    { type = "double" }
  column "good" { type = "boolean" }
}

check "rows" {
  on = source.t
  rule "enough" {
    assert  = "table.rows >= variable.least && size(local.names) == 2"
    message = "too few rows"
  }
  rule "many" {
    assert   = "table.rows >= 50000"
    severity = "warn"
  }
}

dataset "gone" {
  from = [source.t]
  sql  = "select id from t"
}

dataset "old" {
  from = [source.t]
  sql  = "select * from t where v > 0"
}

dataset "d" {
  from     = [dataset.old]
  requires = [check.rows]
  sql      = "select id, v, good from old where v > 1"
}

split "hash" "s" {
  from = dataset.d
  test = 0.3
  seed = 1
}

metric "auc" { type = "roc_auc" }

train "gradient_boosting" "m" {
  data        = split.s.train
  target      = "good"
  features    = ["v"]
  description = "One."
  params { trees = 10 }
}

evaluate "e" {
  model   = train.m
  data    = split.s.test
  metrics = [metric.auc]
}

gate "before" {
  rule "good" { assert = "evaluate.e.metrics.auc > 0.5" }
}

gate "release" {
  after    = [check.rows, gate.before]
  champion = deploy.h
  rule "good" { assert = "evaluate.e.metrics.auc > 0.6" }
  rule "better" { assert = "!champion.comparable || evaluate.e.delta.auc.low > -0.5" }
  approval "boss" { from = ["a", "b"] }
  approval "chief" {
    from = ["c"]
    when = "evaluate.e.metrics.auc < 0.7"
  }
}

gate "dropped" {
  rule "good" { assert = "evaluate.e.metrics.auc > 0.5" }
}

deploy "http" "h" {
  model = train.m
  gate  = gate.release
}

deploy "http" "gone" {
  model = train.m
  gate  = gate.before
}

deploy "batch" "b" {
  model = train.m
  data  = split.s.test
  gate  = gate.release
}

output "model" {
  value = train.m
}
`

// told is what is written otherwise in the story, old and new in turn: policy that is weaker, metadata, a move, what is removed, what runs.
var told = []string{
	`owner = "a"`, `owner = "b"`,
	"default = 3", "default = 2",
	"[check.rows, gate.release]", "[check.rows]",
	"dataset \"gone\" {\n  from = [source.t]\n  sql  = \"select id from t\"\n}\n", "",
	"dataset \"old\" {", "moved {\n  from = dataset.old\n  to   = dataset.new\n}\n\ndataset \"new\" {",
	"from     = [dataset.old]", "from     = [dataset.new]", "from old where", "from new where",
	"trees = 10", "trees = 11", `"One."`, `"Two."`,
	`["a", "b"] }`, `["a", "b", "x"] }`,
	"auc < 0.7", "auc < 0.65",
	"gate \"dropped\" {\n  rule \"good\" { assert = \"evaluate.e.metrics.auc > 0.5\" }\n}\n", "",
	"deploy \"http\" \"gone\" {\n  model = train.m\n  gate  = gate.before\n}\n", "",
}

// TestMutatedPlansAreRefusedOrHonest changes every value of saved plans and signs them anew: each is refused, unless
// an honest plan would be what it is then.
func TestMutatedPlansAreRefusedOrHonest(t *testing.T) {
	x := &mutations{shared: map[string]bool{}, taken: map[string]string{}, content: regexp.MustCompile(strings.Join(slices.Sorted(maps.Keys(content)), "|"))}
	e := newStory(t)
	e.edit(told...)
	x.of("told", e)
	e = newStory(t)
	e.edit("auc > 0.6", "auc > 0.95", "auc < 0.7", "auc < 0.95", "table.rows >= 50000", "table.rows >= 1", `["a", "b"] }`, `["a", "b", "x"] }`)
	x.of("decided", e)
	e = newStory(t)
	e.edit("where v > 1", "where 1 < v", `metric "auc" { type = "roc_auc" }`, "metric \"auc\" { type = \"roc_auc\" }\nmetric \"loss\" { type = \"log_loss\" }", "[metric.auc]", "[metric.auc, metric.loss]")
	e.accept("dataset.d")
	x.of("accepted", e)
	x.of("first", &editing{t: t, dir: e.without(StoreName)})
	if os.Getenv("MLP_SOAK") != "" {
		e = newStory(t)
		e.write("p.mlp", strings.ReplaceAll(strings.ReplaceAll(story, "gate.release", "gate.other"), `gate "release"`, `gate "other"`))
		x.of("another gate", e)
		for _, name := range []string{"python", "churn", "fraud"} {
			x.of(name, editingOf(t, "../../examples/"+name))
		}
	}
	t.Logf("%d edits were refused", x.refused)
	for _, place := range slices.Sorted(maps.Keys(x.taken)) {
		t.Errorf("%s may be edited: %s", place, x.taken[place])
	}
	if x.refused < 1500 {
		t.Error("so few were tried")
	}
}

// newStory is the story, applied, with its approval given.
func newStory(t *testing.T) *editing {
	t.Helper()
	e := &editing{t: t, dir: inMemory(t)}
	e.write("p.mlp", story)
	e.write("t.csv", "id,v,good\na,1.5,true\nb,2.5,false\n")
	e.apply()
	w := e.workspace("default")
	if _, err := w.Approve(context.Background(), nil, Approval{Gate: "gate.release", Name: "boss", By: "a", Reason: "because"}); err != nil {
		t.Fatal(err)
	}
	e.apply()
	return e
}

// edit replaces texts of the story, old and new in turn.
func (e *editing) edit(oldNew ...string) {
	e.t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		e.replace("p.mlp", oldNew[i], oldNew[i+1])
	}
}

// accept takes what is recorded of a stage for what it is now.
func (e *editing) accept(address string) {
	e.t.Helper()
	p, err := e.plan()
	if err != nil {
		e.t.Fatal(err)
	}
	e.edit("problem \"p\" {", fmt.Sprintf("accept {\n  block      = %s\n  definition = %q\n  reason     = \"R\"\n}\n\nproblem \"p\" {", address, p.Node(address).Definition))
}

// without is a copy of the folder that lacks one in it.
func (e *editing) without(name string) string {
	e.t.Helper()
	other := editingOf(e.t, e.dir)
	if err := os.RemoveAll(filepath.Join(other.dir, name)); err != nil {
		e.t.Fatal(err)
	}
	return other.dir
}

// mutations are those of several plans. Of what stands deep in shapes, configurations and places of files one edit of a kind is tried over
// all plans.
type mutations struct {
	shared  map[string]bool
	taken   map[string]string
	content *regexp.Regexp
	refused int
}

var deep = regexp.MustCompile(`\.(range|shape|config|env|current|external|subject|definition|fingerprint|digest|component_[a-z]+|inputs|outputs|meta|described|policies|variables)\b`)

// of tries those of the plan of what stands in a folder.
func (x *mutations) of(name string, e *editing) {
	t, ctx := e.t, context.Background()
	p, err := e.plan()
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	w := e.workspace(p.Workspace)
	s := &Session{w: w, Pipeline: p.Pipeline}
	defer s.Close()
	if s.Recorded, err = w.readStored(ctx, p.Pipeline, false); err != nil {
		t.Fatal(err)
	}
	original := unsigned(t, p)
	take := func(text []byte) (same bool, err error) {
		q, err := plan.Read(text)
		if err != nil {
			return false, err
		}
		if q.Pipeline != p.Pipeline || q.Workspace != p.Workspace { // another state is read then
			return false, errors.New("it is for another state")
		}
		if err := w.fits(q, SavedOptions{}); err != nil {
			return false, err
		}
		same = unsigned(t, q) == original
		_, err = s.unchanged(ctx, q)
		return same, err
	}
	if same, err := take(text); err != nil || !same {
		t.Fatalf("%s: the plan itself: %v", name, err)
	}
	m := &mutator{t: t}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&m.root); err != nil {
		t.Fatal(err)
	}
	once := map[string]bool{}
	m.wanted = func(place, way string) bool {
		if strings.Contains(place, ".range.") && os.Getenv("MLP_SOAK") == "" {
			return false
		}
		seen := once
		if deep.MatchString(place) {
			seen = x.shared
		}
		was := seen[place+" "+way]
		seen[place+" "+way] = true
		return !was || os.Getenv("MLP_SOAK") != ""
	}
	m.try = func(place, way string, text []byte) {
		same, err := take(text)
		switch {
		case err != nil:
			x.refused++
		case !same && !x.content.MatchString(place) && !(p.Base.Revision == 0 && first.MatchString(place)):
			x.taken[place] = name + ": " + way
		}
	}
	m.walk(m.root, "", nil)
}

// unsigned is a plan's text without its identity.
func unsigned(t *testing.T, p *plan.Plan) string {
	t.Helper()
	q := *p
	q.ID = ""
	text, err := plan.Canonical(&q)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
