package table

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestCacheIsBounded: of a folder that has grown beyond its bounds the oldest answers go.
func TestCacheIsBounded(t *testing.T) {
	c := cache{dir: t.TempDir(), memory: map[string]answer{}}
	key := func(i int) string { return fmt.Sprintf("ab%04d", i) }
	for i := range 50 {
		c.put(key(i), answer{})
		at := time.Unix(int64(1000+i), 0)
		if err := os.Chtimes(c.path(key(i)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	c.prune(40)
	left, err := os.ReadDir(filepath.Join(c.dir, "ab"))
	if err != nil || len(left) != 30 || left[0].Name() != key(20)+".json" {
		t.Fatalf("got %d answers, the first %v, %v; want the last 30", len(left), left[0], err)
	}
	c.put(key(50), answer{})
	c.prune(40)
	if left, _ = os.ReadDir(filepath.Join(c.dir, "ab")); len(left) != 31 {
		t.Errorf("got %d answers, want 31: within bounds nothing goes", len(left))
	}
}

// TestCacheIsShared: several processes ask the same at the same time, and one of their answers stays, whole.
func TestCacheIsShared(t *testing.T) {
	dir := t.TempDir()
	tables := map[string]*schema.Table{"t": {Columns: []schema.Column{{Name: "a", Type: "double"}}}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			b := NewBinder(dir)
			defer b.Close()
			for i := range 20 {
				columns, problems := b.Query(context.Background(), fmt.Sprintf("select a + %d as a from t", i), tables)
				if len(problems) > 0 || len(columns) != 1 || columns[0].Type != "double" {
					t.Errorf("query %d: got %v, %v", i, columns, problems)
				}
			}
		})
	}
	wg.Wait()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 20 {
		t.Errorf("got %d answers on disk, want 20 and nothing half written: %v", len(files), files)
	}
}
