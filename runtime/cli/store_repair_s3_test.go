package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

// TestStoreRepairS3 loses and spoils what is in a bucket on a real server: check and verify find it, repair restores it from this machine's copies or from
// another store, and moves aside the records of what is nowhere.
func TestStoreRepairS3(t *testing.T) {
	s := s3test.Start(t, "models")
	url := s.URL("models/two")
	t.Setenv("MLP_STORE", url)
	ada, bob := clone(t), clone(t)
	ends(t, ada, 0, []string{"Applied: 2 ran"}, applyHere...)
	ends(t, bob, 0, []string{": all that is recorded is there."}, "store", "check")
	ends(t, bob, 0, []string{"There is nothing to repair."}, "store", "repair", "--auto-approve")

	u, err := storeurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	b, err := cloud.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for key, err := range bucket.Keys(t.Context(), b, objects.Prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if data, err := bucket.Read(t.Context(), b, key); err != nil {
			t.Fatal(err)
		} else if bytes.HasPrefix(data, []byte("PAR1")) {
			tables = append(tables, key)
		}
	}
	if len(tables) != 2 {
		t.Fatalf("tables: %q", tables)
	}
	lose := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	ends(t, ada, 0, []string{"Applied: 2 ran"}, append(applyHere, "--store", s.URL("models/copy"))...)

	// One is gone, and another is not what its name says. Ada has copies of both; a machine without any says what it cannot restore.
	lose(tables[0])
	ends(t, ada, 1, []string{"source.", "is not whole"}, "store", "check")
	ends(t, bob, 1, []string{"would be moved aside"}, "store", "repair")
	ends(t, ada, 1, []string{"would be restored", "this machine's cache"}, "store", "repair")
	ends(t, ada, 0, []string{"1 restored, 0 moved aside, 0 left."}, "store", "repair", "--auto-approve")
	ends(t, bob, 0, []string{": all that is recorded is there."}, "store", "check")
	if err := b.Replace(t.Context(), tables[1], strings.NewReader("spoilt")); err != nil {
		t.Fatal(err)
	}
	ends(t, ada, 1, []string{"is not whole"}, "store", "check") // by its size
	ends(t, ada, 0, []string{"1 restored, 0 moved aside, 0 left."}, "store", "repair", "--read", "--auto-approve")
	ends(t, bob, 0, []string{": all is as it was written."}, "store", "verify")

	// Another store has copies for a machine without any.
	lose(tables...)
	ends(t, bob, 0, []string{"2 restored, 0 moved aside, 0 left."}, "store", "repair", "--from", s.URL("models/copy"), "--auto-approve")
	ends(t, bob, 0, []string{": all is as it was written."}, "store", "verify")

	// What is nowhere is not taken for done any more: its stage runs again, and gives the same.
	carl := clone(t)
	lose(tables[0])
	ends(t, carl, 1, []string{"0 restored, 1 moved aside, 1 left.", "so that its stage runs again"}, "store", "repair", "--auto-approve")
	ends(t, carl, 0, []string{"1 to run"}, "plan")
	ends(t, carl, 0, []string{"Applied: 1 ran, 1 cached"}, applyHere...)
	ends(t, carl, 0, []string{": all is as it was written."}, "store", "verify")
}
