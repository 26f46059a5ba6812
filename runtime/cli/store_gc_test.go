package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/gstest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// putStoreJSON puts the identity of the store that MLP_STORE names, which nobody has used yet.
func putStoreJSON(t *testing.T, identity string) {
	t.Helper()
	u, err := storeurl.Parse(os.Getenv("MLP_STORE"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := cloud.Open(t.Context(), u)
	if err == nil {
		data, _ := store.Seal("store", []byte(identity))
		err = b.Replace(t.Context(), "store.json", bytes.NewReader(data))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoreFormatsAreRefused: an mlp that does not know the format of a store reads and writes nothing in it, and says what to do.
func TestStoreFormatsAreRefused(t *testing.T) {
	t.Setenv("MLP_STORE", s3test.Start(t, "models").URL("models/two"))
	ada := clone(t)
	ends(t, ada, 0, []string{"Applied: 2 ran"}, applyHere...)
	putStoreJSON(t, fmt.Sprintf(`{"format":"mlp.store/3","id":"%032x"}`, 7))
	for _, args := range [][]string{{"plan"}, applyHere, {"gc", "--dry-run"}, {"store", "check"}, {"history"}} {
		ends(t, ada, 1, []string{`store.json says that the store has the format "mlp.store/3"`, "use a later mlp"}, args...)
	}
}

// TestStoreGarbage has two machines share a bucket on a real server, each with a cache of it: what one marks and the other uses again stays, and what
// was deleted is missed by neither.
func TestStoreGarbage(t *testing.T) {
	servers := map[string]func(t *testing.T) string{
		"s3": func(t *testing.T) string { return s3test.Start(t, "models").URL("models/two") },
		"gs": func(t *testing.T) string { return "gs://models/two?endpoint=" + gstest.Start(t, "models") },
	}
	// Of the some five hundred requests of these commands one may fail as often as it is repeated, behind a network that harms a third of them.
	if os.Getenv("MLP_SOAK") != "" {
		servers["s3, a bad network"] = func(t *testing.T) string { return s3test.Start(t, "models").Behind(t, s3test.Bad).URL("models/two") }
	}
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Setenv("MLP_STORE", url(t))
			ada, bob := clone(t), clone(t)
			late := time.Minute
			if name == "s3" { // a network that carries requests out sooner, so that the waits of the protocol are shorter
				late = 2 * time.Second
				putStoreJSON(t, fmt.Sprintf(`{"format":"mlp.store/1","id":"%032x","late_seconds":%d}`, 7, int(late.Seconds())))
			}
			ends(t, ada, 0, []string{"Applied: 2 ran"}, applyHere...)
			ends(t, bob, 0, []string{"nothing to do, 2 cached"}, "plan")
			ends(t, ada, 0, []string{"; 0 (0 B) are not."}, "gc", "--dry-run", "--keep-days", "0")

			// Ada's new file makes the result of the old one garbage, until Bob, whose file is the old one, applies.
			writeFile(t, filepath.Join(ada, "a.csv"), "id\n7\n")
			ends(t, ada, 0, []string{"Applied: 1 ran, 1 cached"}, applyHere...)
			ends(t, ada, 0, []string{"source.a ", "Nothing was marked or deleted."}, "gc", "--dry-run", "--keep-days", "0")
			ends(t, ada, 0, []string{" are marked: run 'mlp gc' again from "}, "gc", "--keep-days", "0")
			ends(t, bob, 0, []string{"Applied: 0 ran, 2 cached"}, applyHere...)
			ends(t, bob, 0, []string{" objects and records are needed; "}, "gc", "--keep-days", "0", "--grace", "0s")
			ends(t, bob, 0, []string{"all is as it was written"}, "store", "verify")
			ends(t, bob, 0, []string{"nothing to do"}, "plan", "--refresh")

			if name != "s3" { // what follows waits, twice, until no delete is under way any more
				return
			}
			// Now the old one is garbage for good. Bob has copies of it, and makes it again where it is deleted.
			ends(t, ada, 0, []string{"1 cached"}, applyHere...)
			deleted, stderr, code := run(t, ada, "gc", "--keep-days", "0", "--grace", "0s")
			if code != 0 || !regexp.MustCompile(`[1-9][0-9]* that were marked before are deleted: [1-9][0-9.]* (B|KiB|MiB)`).MatchString(deleted) {
				t.Fatalf("exit code %d\n%s%s", code, deleted, stderr)
			}
			ends(t, ada, 0, []string{"all is as it was written"}, "store", "verify")
			ends(t, ada, 0, []string{"nothing to do"}, "plan", "--refresh")
			began := time.Now()
			ends(t, bob, 0, []string{"Applied: 1 ran, 1 cached", "Recording waits for ", "deleted by 'mlp gc' just before"}, applyHere...)
			t.Logf("what was just deleted was made again in %s", time.Since(began))
			ends(t, ada, 0, []string{"Recording waits for "}, "logs", "--run", "1")
			ends(t, bob, 0, []string{"all is as it was written"}, "store", "verify")
			ends(t, ada, 0, []string{"; 0 (0 B) are not."}, "gc", "--dry-run")
			if _, stderr, code := run(t, ada, "gc", "--grace", "1s"); code != 0 || strings.Contains(stderr, "locked") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
