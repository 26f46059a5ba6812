package cli

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// documented is an example of a type of block.
type documented struct {
	name, code string
	files      []schema.ExampleFile
	outside    bool // needs an image of the user's own, a server, or what one answered
}

func examples() []documented {
	var all []documented
	for _, k := range stdlib.Catalog().Kinds {
		for _, typ := range k.Types {
			for i, e := range typ.Examples {
				name := strings.TrimSuffix(k.Name+"."+typ.Name, ".")
				if i > 0 {
					name = fmt.Sprintf("%s %d", name, i+1)
				}
				all = append(all, documented{name, e.Code, e.Files, typ.Foreign || typ.Name == "postgres" || typ.Name == "archive" || typ.Name == "predictions" || strings.Contains(e.Code, "\n  postgres {")})
			}
		}
	}
	return all
}

// TestKindsHaveExamples walks the catalog: no type is without one.
func TestKindsHaveExamples(t *testing.T) {
	for _, k := range stdlib.Catalog().Kinds {
		for _, typ := range k.Types {
			if len(typ.Examples) == 0 || typ.Examples[0].Code == "" {
				t.Errorf("%s %q has no example", k.Name, typ.Name)
			}
		}
	}
}

// TestExamples walks all components: each example is a whole module, is laid out as mlp fmt would, compiles without a
// warning, and runs. What it yields does not depend on the run or on the number of threads.
func TestExamples(t *testing.T) {
	data := t.TempDir()
	exampleData(t, data)
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			code := strings.TrimPrefix(e.code, "\n")
			if out, diags := format.Format([]byte(code), "example.mlp"); diags.HasErrors() || string(out) != code {
				t.Errorf("not in the canonical layout: %v\n%s", diags, cmp.Diff(code, string(out)))
			}
			dir := exampleDir(t, data, e)
			if _, stderr, exit := run(t, dir, "validate"); exit != 0 || stderr != "" {
				t.Fatalf("validate: exit code %d\n%s", exit, stderr)
			}
			if e.outside {
				return
			}
			mustRun(t, dir, "apply", "--auto-approve", "--executor", "process", "--threads", "1")
			want := results(t, dir)
			if strings.Contains(code, "source \"") && len(want) == 0 {
				t.Error("nothing is recorded of the blocks")
			}
			again := exampleDir(t, data, e)
			mustRun(t, again, "apply", "--auto-approve", "--executor", "process", "--threads", "2")
			if diff := cmp.Diff(want, results(t, again)); diff != "" {
				t.Errorf("a second run, with two threads, gives something else:\n%s", diff)
			}
		})
	}
}

// exampleDir is a folder with an example and the data that it names.
func exampleDir(t *testing.T, data string, e documented) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	for _, f := range append([]schema.ExampleFile{{Name: "example.mlp", Code: e.code}}, e.files...) {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.Code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCatalogUnchanged compiles every example and then spoils all that came of it: the catalog, whose parts are shared
// by all who ask for it, stays as it was, and so does what is compiled later.
func TestCatalogUnchanged(t *testing.T) {
	before := encoded(t, stdlib.Catalog())
	data := t.TempDir()
	exampleData(t, data)
	for _, e := range examples() {
		dir := exampleDir(t, data, e)
		first, second := compiled(t, dir), compiled(t, dir)
		want := encoded(t, configs(second))
		for _, b := range first.Blocks {
			for _, config := range [][]byte{b.Config, b.Meta} {
				for i := range config {
					config[i] = 'x'
				}
			}
		}
		if diff := cmp.Diff(want, encoded(t, configs(second))); diff != "" {
			t.Errorf("%s: two modules share their configuration:\n%s", e.name, diff)
		}
		if diff := cmp.Diff(want, encoded(t, configs(compiled(t, dir)))); diff != "" {
			t.Errorf("%s: compiled again, it differs:\n%s", e.name, diff)
		}
	}
	if diff := cmp.Diff(before, encoded(t, stdlib.Catalog())); diff != "" {
		t.Errorf("compiling has changed the catalog:\n%s", diff)
	}
}

func compiled(t *testing.T, dir string) *check.Module {
	t.Helper()
	a := &workspace.Workspace{Dir: dir, Name: "default"}
	m, lib, err := a.Check(context.Background(), nil)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	if err := lib.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

func configs(m *check.Module) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for address, b := range m.Blocks {
		out[address] = b.Config
	}
	return out
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// exampleData writes the files that the examples name: columns that any of them asks for, rows enough for their rules.
// visits are those of patients, three each.
func visits(n int) string {
	var b strings.Builder
	b.WriteString("visit,patient,density,relapse\n")
	for i := range n {
		fmt.Fprintf(&b, "v%d,p%d,%d.5,%t\n", i, i/3, i*7%40, i%5 == 0)
	}
	return b.String()
}

func exampleData(t *testing.T, dir string) {
	t.Helper()
	files := map[string]string{
		"customers.csv":             customers(600, 0),
		"this_month.csv":            customers(600, 7),
		"scores.csv":                scores(600),
		"payments.csv":              payments(0, 900),
		"data/payments/2026-01.csv": payments(0, 6000),
		"data/payments/2026-02.csv": payments(6000, 6000),
		"prices.csv":                prices(400),
		"visits.csv":                visits(300),
		"sales.csv":                 sales(300),
		"applications.csv":          applications(900),
		"flats.csv":                 flats(400),
		"wine.csv":                  bottles(240),
		"diamonds.csv":              diamonds(400),
		"data/adult.csv": "age, workclass, hours-per-week, sex\n39, State-gov, 40, Male\n50, ?, 13, Male\n" +
			"38, Private, 40, Female\n?, Private, 45, Female\n",
		"metrics.json":         `{"auc": 0.91, "recall": 0.7}`,
		"data/orders/a.ndjson": `{"order_id": 1, "amount": 12.50, "placed_at": "2026-01-31 10:00:00", "address": {"city": "Bern"}}` + "\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shop, err := sql.Open("sqlite", filepath.Join(dir, "data/shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = shop.Exec("create table orders (id integer, amount real, placed_at text); insert into orders values (1, 12.5, '2026-01-31 10:00:00'), (2, 0, null)")
	if err := errors.Join(err, shop.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "data/payments/2025/12/payments.parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = table.Run(t.Context(), table.Query{Out: path, SQL: "select 'p' || i as payment_id, timestamp '2025-12-01' + to_minutes(i) as paid_at, " +
		"(i * 37 % 5000)::float / 10 as amount, 'ACME' as merchant from range(500) r(i)"})
	if err != nil {
		t.Fatal(err)
	}
}

// noise is a number of 0 to 999 that looks random and is the same everywhere.
func noise(i, stream int) int {
	x := uint32(i*2654435761 + stream*40503 + 12345)
	x ^= x >> 15
	x *= 2246822519
	x ^= x >> 13
	return int(x % 1000)
}

func customers(n, stream int) string {
	var b strings.Builder
	b.WriteString("customer,customer_id,tenure,contract,monthly_charges,churned,is_test,asked_at,asked\n")
	for i := range n {
		tenure := noise(i, stream) % 72
		contract := []string{"month", "year", "two years"}[noise(i, stream+1)%3]
		churned := noise(i, stream+2) < 700-9*tenure
		fmt.Fprintf(&b, "c%04d,id%04d,%d,%s,%d.%02d,%t,%t,2026-%02d-15 12:00:00,%s\n", i, i, tenure, contract, 20+noise(i, stream+3)%80, noise(i, stream+4)%100, churned, i%5 == 0, 1+i%4,
			time.Date(2025, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
	}
	return b.String()
}

// scores is what a model said of customers(n, 0): of those who came lately that they leave.
func scores(n int) string {
	var b strings.Builder
	b.WriteString("customer,predicted,score\n")
	for i := range n {
		tenure := noise(i, 0) % 72
		fmt.Fprintf(&b, "c%04d,%t,0.%02d\n", i, tenure < 40, 99-tenure)
	}
	return b.String()
}

func payments(from, n int) string {
	var b strings.Builder
	b.WriteString("payment_id,card,merchant,currency,paid_at,amount,Amount (EUR),is_fraud,chargeback_at\n")
	for i := from; i < from+n; i++ {
		euros := 1 + noise(i, 0)%400
		amount := fmt.Sprintf("%d.%02d", euros, noise(i, 1)%100)
		if i%97 == 0 {
			amount = "0.00" // only asks whether the card is valid
		}
		day, fraud, back := 1+i/300%28, noise(i, 2) < euros/3, ""
		month := 1 + i/8400
		if fraud {
			back = fmt.Sprintf("2026-%02d-%02d 12:00:00", month+1, day)
		}
		fmt.Fprintf(&b, "p%05d,card%02d,SHOP%02d,%s,2026-%02d-%02d %02d:%02d:00,%s,%s,%t,%s\n", i, noise(i, 3)%60, noise(i, 4)%20,
			[]string{"EUR", "CHF", "USD"}[i%3], month, day, i%300/60*4, i%60, amount, amount, fraud, back)
	}
	return b.String()
}

func prices(n int) string {
	var b strings.Builder
	b.WriteString("hour,rose\n")
	for i := range n {
		fmt.Fprintf(&b, "2026-01-%02d %02d:00:00,%t\n", 1+i/24, i%24, noise(i/3, 0) < 500)
	}
	return b.String()
}

func diamonds(n int) string {
	var b strings.Builder
	b.WriteString("id,carat,cut,price\n")
	cuts := []string{"Fair", "Good", "Ideal"}
	for i := range n {
		carat, cut := 20+noise(i, 0)%180, noise(i, 1)%3
		fmt.Fprintf(&b, "%d,%d.%02d,%s,%d\n", i, carat/100, carat%100, cuts[cut], 300+carat*40+cut*250+noise(i, 2)%200)
	}
	return b.String()
}

// sales are those of three shops on n days.
func sales(n int) string {
	var b strings.Builder
	b.WriteString("day,shop,store,promo,units,sold\n")
	for i := range 3 * n {
		promo, shop := noise(i, 0) < 200, i%3
		units := 20*(1+shop) + noise(i, 1)%8
		if promo {
			units += 25
		}
		fmt.Fprintf(&b, "%s,s%d,s%[2]d,%t,%d,%[4]d\n", time.Date(2025, 1, 1+i/3, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), shop, promo, units)
	}
	return b.String()
}

// applications are repaid by who has an income of 2,000.
func applications(n int) string {
	var b strings.Builder
	b.WriteString("id,income,channel,repaid\n")
	for i := range n {
		income := 500 * (noise(i, 0) % 9)
		fmt.Fprintf(&b, "a%d,%d,%s,%t\n", i, income, []string{"web", "branch"}[noise(i, 1)%2], income >= 2000)
	}
	return b.String()
}

func flats(n int) string {
	var b strings.Builder
	b.WriteString("flat,square,zip,rent\n")
	for i := range n {
		square, zip := 30+noise(i, 0)%90, noise(i, 1)%5
		fmt.Fprintf(&b, "f%d,%d,%d,%d\n", i, square, 8000+zip, 300+square*(15+zip)+noise(i, 2)%100)
	}
	return b.String()
}

// bottles of three grapes.
func bottles(n int) string {
	var b strings.Builder
	b.WriteString("bottle,alcohol,color,grape\n")
	for i := range n {
		grape := noise(i, 0) % 3
		fmt.Fprintf(&b, "%d,%d.%d,%d.%02d,%s\n", i, 11+grape, noise(i, 1)%10, 2+grape*2, noise(i, 2)%100, []string{"nebbiolo", "grignolino", "barbera"}[grape])
	}
	return b.String()
}

// TestEngines holds the types to what their code is linked with: a component that reads or writes tables says with which
// engine, because the bytes it yields, or the values it sees, are the engine's.
func TestEngines(t *testing.T) {
	const engine = modulePath + "stdlib/table"
	found, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps}, modulePath+"stdlib/...")
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]bool{}
	for _, p := range found {
		packages.Visit([]*packages.Package{p}, nil, func(dep *packages.Package) {
			uses[p.PkgPath] = uses[p.PkgPath] || dep.PkgPath == engine
		})
	}
	for _, c := range stdlib.Components() {
		if c.Run == nil || c.Type.Name == "container" {
			continue
		}
		// "github.com/…/stdlib/split/hash.run"
		name := goruntime.FuncForPC(reflect.ValueOf(c.Run).Pointer()).Name()
		path := name[:strings.LastIndex(name, "/")+1]
		path += strings.SplitN(name[len(path):], ".", 2)[0]
		uses, known := uses[path]
		if !known {
			t.Fatalf("%s runs in %s, which is no package of the standard library", c.Name(), path)
		}
		want := ""
		if uses {
			want = table.Engine
		}
		if c.Type.Engine != want {
			t.Errorf("%s: got engine %q, want %q: %s", c.Name(), c.Type.Engine, want, path)
		}
	}
}
