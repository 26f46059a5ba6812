package destination

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// predictions writes those of n customers on two days as a Parquet file.
func predictions(t *testing.T, id string, n int) Prediction {
	t.Helper()
	file := filepath.Join(t.TempDir(), "table.parquet")
	sql := fmt.Sprintf("select date '2026-03-01' + (i %% 2)::integer as day, 'c' || i as customer, i %% 3 = 0 as predicted, i / 100 as score from range(%d) t(i)", n)
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, OrderBy: []string{"day", "customer"}, Out: file}); err != nil {
		t.Fatal(err)
	}
	return Prediction{ID: id, Pipeline: "churn", Workspace: "default", Deploy: "deploy.scores", File: file, Key: []string{"day", "customer"}}
}

// found are the customers that a folder has by its manifest, and by all files that lie there.
func found(t *testing.T, dir string) (named, all string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, Manifest))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	read := func(paths []string) string {
		var out []string
		for _, p := range paths {
			f, err := table.ReadFrame(t.Context(), p, []string{"customer"})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range f.Columns[0].Codes {
				out = append(out, f.Columns[0].Levels[c])
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, filepath.Join(dir, f.Name))
	}
	lying, _ := filepath.Glob(filepath.Join(dir, "day=*", "*.parquet"))
	return read(names), read(lying)
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	to := schema.Destination{Path: "out/scores", PartitionBy: []string{"day"}}
	write := func(p Prediction, kind, wrong string) {
		t.Helper()
		_, err := Write(t.Context(), p, to, kind, dir, nil)
		var input *component.InputError
		if wrong == "" && err != nil || wrong != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("got %v, want %q", err, wrong)
		}
	}
	at := filepath.Join(dir, "out", "scores")
	write(predictions(t, "a", 4), "parquet", "")
	if named, all := found(t, at); named != "c0 c1 c2 c3" || all != named {
		t.Errorf("got %s, and lying there %s", named, all)
	}
	f, err := filepath.Glob(filepath.Join(at, "*", "*"))
	if err != nil || len(f) != 2 || !strings.Contains(f[0], "day=2026-03-01/part-") {
		t.Errorf("got %v %v", f, err)
	}
	write(predictions(t, "b", 3), "parquet", "")
	if named, all := found(t, at); named != "c0 c1 c2" || all != named {
		t.Errorf("written anew: got %s, and lying there %s", named, all)
	}
	other := predictions(t, "c", 3)
	other.Workspace = "lab"
	write(other, "parquet", "has what pipeline churn, workspace default, wrote")
	if err := os.WriteFile(filepath.Join(at, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	write(predictions(t, "d", 3), "parquet", "has the file notes.txt, which mlp did not write")
	if hidden, _ := filepath.Glob(filepath.Join(at, ".*")); len(hidden) > 0 {
		t.Errorf("left: %v", hidden)
	}

	to = schema.Destination{Path: filepath.Join(dir, "csv")}
	write(predictions(t, "a", 2), "csv", "")
	f, _ = filepath.Glob(filepath.Join(dir, "csv", "part-*.csv"))
	if text, err := os.ReadFile(f[0]); err != nil || string(text) != "day,customer,predicted,score\n2026-03-01,c0,true,0.0\n2026-03-02,c1,false,0.01\n" {
		t.Errorf("got %q, %v", text, err)
	}
	to = schema.Destination{Path: "spaced", PartitionBy: []string{"customer"}}
	p := predictions(t, "a", 2)
	if _, err := table.Run(t.Context(), table.Query{SQL: "select 'a b' as customer, 1.0::double as score", Out: p.File}); err != nil {
		t.Fatal(err)
	}
	p.Key = []string{"customer"}
	write(p, "parquet", `the value "a b" of column "customer" cannot name a folder`)
}

// failing is a bucket whose operation number at fails, before or after it did what it was asked.
type failing struct {
	bucket.Bucket
	mu    sync.Mutex // files of before are removed side by side
	at    int
	after bool
	n     int
}

var errKilled = errors.New("killed")

func (f *failing) step(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n++; f.n > f.at {
		if f.n == f.at+1 && f.after {
			_ = do()
		}
		return errKilled
	}
	return do()
}

func (f *failing) PutNew(ctx context.Context, key string, r io.Reader) error {
	return f.step(func() error { return f.Bucket.PutNew(ctx, key, r) })
}

func (f *failing) Replace(ctx context.Context, key string, r io.Reader) error {
	return f.step(func() error { return f.Bucket.Replace(ctx, key, r) })
}

func (f *failing) Delete(ctx context.Context, key string) error {
	return f.step(func() error { return f.Bucket.Delete(ctx, key) })
}

// TestFilesOfTheKilled kills a writer before and after each step, and has another one go on. At each moment the manifest names all rows of one write, each once.
func TestFilesOfTheKilled(t *testing.T) {
	was, now := predictions(t, "was", 4), predictions(t, "now", 7)
	kills := 0
	for _, after := range []bool{false, true} {
		for at, whole := 0, false; !whole; at++ {
			dir := t.TempDir()
			b, done, err := open(t.Context(), dir, "")
			if err != nil {
				t.Fatal(err)
			}
			w := &files{Prediction: was, bucket: b, place: dir, partitionBy: []string{"day"}, encode: encodings["parquet"], temp: t.TempDir()}
			if _, err := w.write(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Prediction, w.bucket = now, &failing{Bucket: b, at: at, after: after}
			_, err = w.write(t.Context())
			whole = err == nil
			named, _ := found(t, dir)
			if !whole && !errors.Is(err, errKilled) || named != "c0 c1 c2 c3" && named != "c0 c1 c2 c3 c4 c5 c6" {
				t.Fatalf("killed at %d: got %s, %v", at, named, err)
			}
			w.bucket = b
			if n, err := w.write(t.Context()); n != 7 || err != nil {
				t.Fatalf("killed at %d, again: got %d, %v", at, n, err)
			}
			if named, all := found(t, dir); named != "c0 c1 c2 c3 c4 c5 c6" || all != named {
				t.Errorf("killed at %d, again: got %s, and lying there %s", at, named, all)
			}
			if err := done(); err != nil {
				t.Fatal(err)
			}
			kills++
		}
	}
	if kills < 10 { // two files, the manifest and two files of before, before and after
		t.Errorf("%d kills", kills)
	}
}

// TestFilesInABucket writes into a bucket, whose keys have the values of columns in them.
func TestFilesInABucket(t *testing.T) {
	s := s3test.Start(t, "lake")
	to := schema.Destination{Path: s.URL("lake"), PartitionBy: []string{"day"}}
	for range 2 {
		if n, err := Write(t.Context(), predictions(t, "a", 4), to, "parquet", "", nil); n != 4 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	b, _, err := open(t.Context(), to.Path, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := bucket.Read(t.Context(), b, Manifest)
	if err != nil || !bytes.Contains(text, []byte(`"day=2026-03-01/part-`)) {
		t.Errorf("got %s, %v", text, err)
	}
}
