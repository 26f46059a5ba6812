package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

// destinations is a pipeline that writes its scores to a table, and to files by region.
const destinations = `pipeline "churn" {}

secret "crm" { env = "MLP_TEST_DB_PASSWORD" }

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "bigint" }
  column "region"   { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["region", "customer"]
  sql  = "select * from customers"
}

train "logistic_regression" "model" {
  data     = dataset.customers
  target   = "churned"
  features = ["tenure"]
}

deploy "batch" "scores" {
  model = train.model
  data  = dataset.customers

  postgres {
    url      = %q
    password = secret.crm
    table    = "churn_scores"
  }

  parquet {
    path         = "out/scores"
    partition_by = ["region"]
  }
}
`

// regional writes the data of n customers.
func regional(t *testing.T, dir string, n int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("customer,region,tenure,churned\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%s,%d,%v\n", 9007199254740993+i, []string{"north", "south"}[i%2], i%40, (i*7)%11 > i%40/8)
	}
	writeFile(t, filepath.Join(dir, "customers.csv"), b.String())
}

// TestDestinations takes predictions into a real database and a folder: through plan and apply, an apply that is killed while the server commits, a password that is wrong, a saved plan, and
// workspaces that write nothing.
func TestDestinations(t *testing.T) {
	server := postgrestest.Start(t)
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf(destinations, server.URL()))
	regional(t, dir, 60)
	step := func(code int, wants []string, args ...string) string {
		t.Helper()
		stdout, stderr, exit := run(t, dir, args...)
		for _, want := range wants {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s does not say %q:\n%s%s", strings.Join(args, " "), want, stdout, stderr)
			}
		}
		if exit != code || strings.Contains(stdout+stderr, postgrestest.Password) {
			t.Fatalf("%s: exit code %d\n%s%s", strings.Join(args, " "), exit, stdout, stderr)
		}
		return stdout
	}
	rows := func(n int) {
		t.Helper()
		want := fmt.Sprintf("%d %d", n, n)
		if got := server.Ask("select count(*) || ' ' || count(distinct customer) from churn_scores"); got != want {
			t.Errorf("the table has %s rows and customers, want %s", got, want)
		}
		stdout := step(0, nil, "query", "--format", "csv", "select count(*) as n from deploy.scores.predictions")
		if !strings.Contains(stdout, fmt.Sprint(n)) {
			t.Errorf("recorded are %s", stdout)
		}
		manifest, err := os.ReadFile(filepath.Join(dir, "out", "scores", "_manifest.json"))
		if err != nil || !strings.Contains(string(manifest), fmt.Sprintf(`"rows": %d,`, n)) || !strings.Contains(string(manifest), `"region=north/part-`) {
			t.Errorf("the manifest: %s %v", manifest, err)
		}
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	table := server.URL() + " table churn_scores (overwrite)"
	step(0, []string{"2 destinations would be written", "writes every row once to " + table, "writes every row once to out/scores by region (overwrite)"}, "plan")
	step(0, []string{"written        60 rows to " + table, "written        60 rows to out/scores by region (overwrite), revision"}, apply...)
	rows(60)
	step(0, []string{"nothing to do"}, "plan")
	step(0, []string{"0 ran"}, apply...)
	step(0, []string{"60 rows to " + table}, "show", "deploy.scores")

	// The server sleeps while it commits, and whoever waits for that is killed.
	server.Exec(`create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
		create constraint trigger slow after insert on mlp_writes deferrable initially deferred for each row execute function slow()`)
	regional(t, dir, 80)
	step(0, []string{"if the predictions are others, writes every row once to " + table + "; it has 60 rows of revision"}, "plan")
	killed := exec.Command(os.Getenv("MLP_BIN"), append([]string{"-C", dir}, apply...)...)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); server.Ask("select count(*) from pg_stat_activity where query = 'commit' and state = 'active'") == "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the apply commits nothing")
		}
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	for deadline := time.Now().Add(time.Minute); server.Ask("select count(*) from mlp_writes") != "2"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server did not commit")
		}
	}
	server.Exec("drop trigger slow on mlp_writes")
	step(0, []string{"destinations would be written"}, "plan")
	step(0, []string{"written        80 rows to " + table}, apply...)
	rows(80)
	if got := server.Ask("select count(*) from mlp_writes"); got != "2" {
		t.Errorf("%s writes, want that the second was found", got)
	}

	regional(t, dir, 50)
	t.Setenv("MLP_TEST_DB_PASSWORD", "wrong")
	step(1, []string{"password authentication failed", "written        50 rows to out/scores"}, apply...)
	step(0, []string{"1 destination would be written"}, "plan")
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	step(0, []string{"written        50 rows to " + table}, apply...)
	rows(50)

	regional(t, dir, 70)
	step(0, []string{"workspace goes by default, which writes"}, "plan", "--workspace", "pr-1", "--base", "default")
	step(0, nil, append(apply, "--workspace", "pr-1", "--base", "default")...)
	step(0, nil, append(apply, "--sample", "0.5")...)
	if got := server.Ask("select count(*) from churn_scores"); got != "50" {
		t.Errorf("another workspace wrote %s rows", got)
	}
	saved, forgery := filepath.Join(dir, "saved.json"), filepath.Join(dir, "forged.json")
	step(0, nil, "plan", "--out", saved)
	forged, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, forgery, strings.Replace(string(forged), "churn_scores", "other_scores", 1))
	step(1, nil, "apply", "--auto-approve", "--executor", "process", forgery)
	step(0, []string{"written        70 rows to " + table}, "apply", "--auto-approve", "--executor", "process", saved)
	rows(70)
	edit(t, filepath.Join(dir, "p.mlp"), `table    = "churn_scores"`, `table    = "scored"`)
	step(0, []string{"postgres.table", "churn_scores → scored", "table scored"}, "plan")
	step(0, []string{"written        70 rows to " + server.URL() + " table scored"}, apply...)
	storeLacks(t, dir, postgrestest.Password)
}
