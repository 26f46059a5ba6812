package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

// TestPostgresSource takes the rows of a real server through plan and apply: changed, out of reach, with a wrong password.
func TestPostgresSource(t *testing.T) {
	server := postgrestest.Start(t)
	server.Exec("create table orders (id bigint, amount numeric(12,2)); insert into orders values (1, 2.50), (2, 1)")
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf(`pipeline "shop" {}

secret "db" { env = "MLP_TEST_DB_PASSWORD" }

source "postgres" "orders" {
  url      = %q
  password = secret.db
  table    = "orders"

  column "id"     { type = "bigint" }
  column "amount" { type = "decimal(12,2)" }
}
`, server.URL()))
	step := func(code int, wants []string, args ...string) {
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
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	step(0, []string{"2 ran"}, apply...)
	step(0, []string{"nothing to do, 2 cached"}, "plan", "--refresh")
	server.Exec("update orders set amount = 3 where id = 2")
	step(0, []string{"1 to run, 1 may run", "version of " + server.URL() + " orders", "2 rows, hash"}, "plan")
	step(0, []string{"2 ran"}, apply...)
	server.Exec("update orders set amount = 'NaN' where id = 2")
	step(1, []string{`orders row`, `column "amount" holds "NaN", which is no decimal(12,2)`}, apply...)
	server.Exec("update orders set amount = 3 where id = 2")
	step(0, []string{"0 ran, 2 cached"}, apply...)
	t.Setenv("MLP_TEST_DB_PASSWORD", "not-the-password")
	step(1, []string{"password authentication failed", "the secret of password", "MLP1710"}, "plan")
	server.Down()
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	step(0, []string{"nothing to do", "does not answer", "taken as recorded"}, "plan")
	step(0, []string{"1 ran"}, append(apply, "--force", "source.orders")...)
	storeLacks(t, dir, postgrestest.Password)
}

// storeLacks makes sure that no file of a folder's store has a secret.
func storeLacks(t *testing.T, dir, secret string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, ".mlp"), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), secret) {
			t.Errorf("%s has the secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
