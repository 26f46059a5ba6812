package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/stdlib/source/predictions"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// TestLogOfABucket: a machine has of a log elsewhere what is in the bucket, all of it and no more, fetches each table once, and takes none that is damaged.
func TestLogOfABucket(t *testing.T) {
	there := t.TempDir()
	far := &counting{Bucket: local.Open(there, scratch.At(there))}
	w := &Workspace{Dir: t.TempDir(), Name: "default", StoreURL: "s3://models/loans?region=eu-central-1"}
	w.Roots.log = w.logFolder
	if err := os.WriteFile(filepath.Join(w.Dir, "loans.mlp"), []byte("pipeline \"loans\" {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := store.Over(t.Context(), far, w.StoreDir(), "s3://models/loans")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := &Session{w: w, Pipeline: "loans", Recorded: Recorded{Store: st}}
	const prefix = "predictions/loans/default/scorer-eu/"
	config := []byte(`{"of": "deploy.scorer[\"eu\"]"}`)
	tables := func() []string {
		t.Helper()
		if err := s.mirror(t.Context(), prefix); err != nil {
			t.Fatal(err)
		}
		_, names, err := w.Roots.logged(predictions.Component.Source, config)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return names
	}
	if got := tables(); len(got) > 0 {
		t.Errorf("of nothing that was answered: got %v", got)
	}
	empty := []byte(`{"of": "deploy.scorer[\"eu\"]", "allow_empty": true, "column": [{"name": "x", "type": "bigint"}]}`)
	if _, names, err := w.Roots.logged(predictions.Component.Source, empty); err != nil || len(names) > 0 {
		t.Errorf("of nothing that was answered, where that is all right: got %v, %v", names, err)
	}
	if _, _, err := w.Roots.logged(predictions.Component.Source, config); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing that was answered: got %v", err)
	}
	answered := func(stem string, rows string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), stem+".parquet")
		if _, err := table.Run(t.Context(), table.Query{SQL: "select i as x from range(" + rows + ") t(i)", Out: file}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a server was killed before it removed the file
			if err := s.keepTable(t.Context(), `scorer["eu"]`, file); err != nil {
				t.Fatal(err)
			}
		}
	}
	answered("20260101T000000.000000000Z-00000001", "10")
	answered("20260301T000000.000000000Z-00000002", "25")
	got := tables()
	if len(got) != 2 || !strings.Contains(got[0], "-00000001-10-") || !strings.Contains(got[1], "-00000002-25-") {
		t.Fatalf("got %v", got)
	}
	fetched := far.gets
	if tables(); far.gets != fetched {
		t.Errorf("what is here was fetched again")
	}
	if err := s.expireTables(t.Context(), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if left := tables(); !slices.Equal(left, got[1:]) {
		t.Errorf("after the older one expired: got %v", left)
	}
	damaged := strings.Replace(got[1], "00000002", "00000003", 1)
	if err := bucket.Put(t.Context(), far, prefix+damaged, []byte("other bytes")); err != nil {
		t.Fatal(err)
	}
	if err := s.mirror(t.Context(), prefix); err == nil || !strings.Contains(err.Error(), "is not what its name says") {
		t.Errorf("of a damaged table: got %v", err)
	}
}

// counting counts values of predictions that are fetched.
type counting struct {
	bucket.Bucket
	gets int
}

func (c *counting) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	if strings.HasPrefix(key, "predictions/") {
		c.gets++
	}
	return c.Bucket.Get(ctx, key, r)
}
