package cli

import (
	"compress/gzip"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

// says runs a command, and looks for its exit code and what it says; it must not say the secret.
func says(t *testing.T, dir, secret string, code int, wants []string, args ...string) {
	t.Helper()
	stdout, stderr, exit := run(t, dir, args...)
	plain := strings.Join(strings.Fields(stdout+stderr), " ") // as lines may be broken anywhere
	for _, want := range wants {
		if !strings.Contains(plain, want) {
			t.Errorf("%s does not say %q:\n%s%s", strings.Join(args, " "), want, stdout, stderr)
		}
	}
	if exit != code || secret != "" && strings.Contains(plain, secret) {
		t.Fatalf("%s: exit code %d\n%s%s", strings.Join(args, " "), exit, stdout, stderr)
	}
}

// TestInitElsewhere finds the columns of files elsewhere, once for each version of them, and plans and applies go by the pins.
func TestInitElsewhere(t *testing.T) {
	const token = "a-token-that-opens-the-shop"
	t.Setenv("MLP_TEST_SHOP_TOKEN", token)
	var served atomic.Value
	served.Store("id,amount\n1,2.5\n2,1\n")
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token && strings.HasPrefix(r.URL.Path, "/closed") {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodGet {
			got.Add(1)
		}
		text := served.Load().(string)
		switch r.URL.Path {
		case "/closed/orders.csv":
		case "/packed.csv": // under a name that does not say so
			var b strings.Builder
			z := gzip.NewWriter(&b)
			fmt.Fprint(z, "id;name\n1;a\n")
			z.Close()
			text = b.String()
		case "/a.ndjson":
			text = `{"id": 1, "at": "2026-01-31T10:00:00Z"}` + "\n" + `{"id": 2, "tags": ["a"]}`
		case "/page.csv":
			text = "\n<!DOCTYPE html>\n<html><body>Log in</body></html>\n"
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(text)))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}))
	defer server.Close()
	dir := t.TempDir()
	module := func(block string) {
		t.Helper()
		writeFile(t, filepath.Join(dir, "p.mlp"), "pipeline \"shop\" {}\nsecret \"shop\" { env = \"MLP_TEST_SHOP_TOKEN\" }\n"+strings.ReplaceAll(block, "URL", server.URL)+"\n")
	}
	step := func(code int, wants []string, args ...string) {
		t.Helper()
		says(t, dir, token, code, wants, args...)
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}

	module(`source "csv" "orders" {
  path  = "URL/closed/orders.csv"
  token = secret.shop
}`)
	for _, command := range []string{"validate", "plan"} {
		step(1, []string{"p.mlp:4:11", "orders.csv lies elsewhere, and mlp.lock does not pin them", "'mlp init' looks for them there", "MLP1404"}, command)
	}
	if n := got.Load(); n != 0 {
		t.Errorf("%d requests before mlp init", n)
	}
	t.Setenv("MLP_OFFLINE", "1")
	step(1, []string{"MLP_OFFLINE is set"}, "init")
	os.Unsetenv("MLP_OFFLINE")
	step(0, []string{"Fetching " + server.URL + "/closed/orders.csv for the columns of source.orders.", "guessed from " + server.URL + "/closed/orders.csv: id bigint, amount double"}, "init")
	step(0, []string{"mlp.lock is up to date"}, "init")
	step(0, []string{"mlp.lock is up to date"}, "init", "--upgrade")
	if n := got.Load(); n != 1 {
		t.Errorf("the file was fetched %d times for its columns", n)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "mlp.lock"))
	if err != nil || !strings.Contains(string(lock), `"version": "ETag \"20\""`) {
		t.Errorf("the version that was looked at is not pinned: %v\n%s", err, lock)
	}
	step(0, []string{"2 to run"}, "plan")
	step(0, []string{"2 to run"}, "plan", "--offline")
	step(0, []string{"2 ran"}, apply...)
	step(0, []string{"nothing to do, 2 cached"}, "plan", "--refresh")

	// Other columns are pinned when they are asked for; a pin of another address is none.
	served.Store("id,amount,shop\n1,2.5,a\n")
	step(0, []string{"mlp.lock is up to date"}, "init")
	step(0, []string{"2 ran"}, apply...)
	step(0, []string{"amount double, shop varchar"}, "init", "--upgrade")
	step(0, []string{"source.orders"}, apply...)
	module(`source "json" "orders" { path = "URL/a.ndjson" }`)
	step(0, []string{"The columns of source.orders are pinned for " + server.URL + "/closed/orders.csv, and the block means " + server.URL + "/a.ndjson", "'mlp init' looks"}, "plan")
	step(1, []string{`no row of a.ndjson has "amount"`, "'mlp init --upgrade'"}, apply...)
	step(0, []string{"id bigint, at timestamp, tags json"}, "init")
	step(0, []string{"1 ran, 1 cached"}, apply...)

	module(`source "csv" "x" { path = "URL/packed.csv" }`)
	step(1, []string{`packed.csv has fields parted by ";"`, `delimiter = ";"`}, "init")
	module("source \"csv\" \"x\" {\n  path      = \"URL/packed.csv\"\n  delimiter = \";\"\n}")
	step(0, []string{"id bigint, name varchar"}, "init")
	step(0, []string{"2 ran"}, apply...)
	module(`source "csv" "y" { path = "URL/page.csv" }`)
	step(1, []string{"page.csv is a web page (HTML), and no data", "p.mlp:3:27"}, "init")
	module(`source "csv" "y" { path = "URL/none.csv" }`)
	step(1, []string{"none.csv answers 404 Not Found", "There is no such file", "p.mlp:3:27"}, "init")
	module(`source "csv" "y" { path = "URL/closed/orders.csv" }`)
	step(1, []string{"answers 401 Unauthorized", "token = secret.NAME"}, "init")
	os.Unsetenv("MLP_TEST_SHOP_TOKEN")
	module("source \"csv\" \"z\" {\n  path  = \"URL/closed/orders.csv\"\n  token = secret.shop\n}")
	step(1, []string{"secret.shop is to be in the environment variable MLP_TEST_SHOP_TOKEN, which is not set"}, "init")
	module(`source "csv" "y" { path = "http://127.0.0.1:1/a.csv" }`)
	step(1, []string{"http://127.0.0.1:1/a.csv does not answer", "connection refused", "Run 'mlp init' where it answers, or declare them"}, "init")

	nothingLeft(t, dir)
	if lock, err = os.ReadFile(filepath.Join(dir, "mlp.lock")); err != nil || strings.Contains(string(lock), "source.z") {
		t.Errorf("what could not be looked at is pinned: %v\n%s", err, lock)
	}
}

// nothingLeft looks for what a command left in the store's temporary folder.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(dir, ".mlp", "tmp", "*"))
	if len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}

// TestInitPostgres has the server describe tables and queries, without reading them.
func TestInitPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	server.Exec("create table orders (id bigint, amount numeric(12,2), at timestamptz); insert into orders values (1, 2.50, '2026-01-31 10:00+00')")
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	dir := t.TempDir()
	module := func(more string) {
		t.Helper()
		writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf("pipeline \"shop\" {}\nsecret \"db\" { env = \"MLP_TEST_DB_PASSWORD\" }\nsource \"postgres\" \"orders\" {\n  url      = %q\n  password = secret.db\n  %s\n}\n", server.URL(), more))
	}
	step := func(code int, wants []string, args ...string) {
		t.Helper()
		says(t, dir, postgrestest.Password, code, wants, args...)
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	module(`table = "orders"`)
	step(1, []string{"lies elsewhere, and mlp.lock does not pin them", "p.mlp:4:14"}, "plan")
	step(0, []string{"Asking " + server.URL() + " orders for the columns of source.orders.", "as " + server.URL() + " orders describes it: id bigint, amount decimal(12,2), at timestamp"}, "init")
	step(0, []string{"2 ran"}, apply...)

	module(`query = "select id, sum(amount) as total from orders group by id"`)
	step(0, []string{"The columns of source.orders are pinned for " + server.URL() + " orders, and the block means " + server.URL() + " (query): select id, sum(amount) as total"}, "plan")
	step(0, []string{"id bigint, total varchar"}, "init")
	module(`query = "select id, sum(amount)::numeric(12,2) as total from orders group by id"`)
	step(0, []string{"(query): select id, sum(amount) as total from orders group by id, and the block means"}, "plan")
	step(0, []string{"id bigint, total decimal(12,2)"}, "init")
	step(0, []string{"2 ran"}, apply...)

	module(`table = "order"`)
	step(1, []string{"syntax error", "p.mlp:4:14"}, "init")
	module(`table = "odrers"`)
	step(1, []string{`relation "odrers" does not exist`, "p.mlp:4:14"}, "init")
	t.Setenv("MLP_TEST_DB_PASSWORD", "not-the-password")
	step(1, []string{"password authentication failed", "the secret of password"}, "init")
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	server.Down()
	step(1, []string{"does not answer"}, "init")
	nothingLeft(t, dir)
}

// TestInitOfOtherFiles: columns that are pinned are those of the files that the block means when mlp init ran last, not of those before.
func TestInitOfOtherFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.csv": "id,x\n1,2\n", "b.csv": "id,y\n1,z\n"} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("create table orders (id integer); create table names (name text); insert into orders values (1); insert into names values ('a')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	step := func(source string, wants []string, args ...string) {
		t.Helper()
		writeFile(t, filepath.Join(dir, "p.mlp"), "pipeline \"shop\" {}\n"+source+"\n")
		says(t, dir, "", 0, wants, args...)
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	a, b := `source "csv" "s" { path = "a.csv" }`, `source "csv" "s" { path = "b.csv" }`
	step(a, []string{"id bigint, x bigint"}, "init")
	step(b, []string{"are not those that mlp.lock pins"}, "plan")
	step(b, []string{"id bigint, y varchar"}, "init")
	step(b, []string{"mlp.lock is up to date"}, "init")
	step(b, []string{"1 ran"}, apply...)
	step(`source "csv" "s" { path = "c.csv" }`, []string{"up to date"}, "init") // not here: what is pinned stays
	orders := "source \"sqlite\" \"d\" {\n  path  = \"shop.db\"\n  table = \"orders\"\n}"
	names := strings.Replace(orders, "orders", "names", 1)
	step(orders, []string{"source.d guessed from its files: id bigint"}, "init")
	step(names, []string{"The columns of source.d are pinned for orders, and the block means names"}, "plan")
	step(names, []string{"source.d guessed from its files: name varchar"}, "init")
	step(names, []string{"1 ran"}, apply...)
}
