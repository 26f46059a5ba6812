package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

// TestTransfersAreTold: what is sent and fetched for long is told of, all of it at the end; what is there already takes no time.
func TestTransfersAreTold(t *testing.T) {
	far, _ := shared(t)
	const size = 1 << 20
	var mu sync.Mutex
	var told []bucket.Transfer
	ctx := bucket.Watch(t.Context(), bucket.Watcher{Moved: func(m bucket.Transfer) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, m)
	}})
	of := func(what string, fetched bool) {
		t.Helper()
		if len(told) < 2 {
			t.Errorf("%s: told %v", what, told)
			return
		}
		last := told[len(told)-1]
		if last.Done != last.Total || last.Total < size || last.Total > size+1000 || last.Fetched != fetched || told[0].Done >= last.Total || told[0].Elapsed < time.Second {
			t.Errorf("%s: told %v", what, told)
		}
		told = nil
	}
	content := strings.Repeat("0123456789abcdef", size/16)
	files := folder(t, map[string]string{"a": content[1:], "b": "small"})
	ada, bob := machine(t, slowly{far}), machine(t, slowly{far})
	d, err := ada.PutDir(ctx, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	of("sent", false)
	if err := bob.Materialize(ctx, d, filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	of("fetched", true)
	if err := bob.Materialize(ctx, d, filepath.Join(t.TempDir(), "again")); err != nil || len(told) > 0 {
		t.Errorf("of what is there: %v, told %v", err, told)
	}
}

// TestListedIsNotAsked: who has listed a store asks for no file of it to see whether it is there; what the list does not have is asked for.
func TestListedIsNotAsked(t *testing.T) {
	far, b := shared(t)
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("f%02d", i)] = fmt.Sprint("content ", i)
	}
	ada := machine(t, far)
	first, err := ada.PutDir(t.Context(), folder(t, files), nil)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{} // as a list of a cloud's bucket has them
	for key, err := range bucket.Keys(t.Context(), b, objects.Prefix, "") {
		if err == nil {
			sizes[key], err = bucket.Size(t.Context(), b, key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	late, err := ada.PutDir(t.Context(), folder(t, map[string]string{"late": "after the list"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	bob := machine(t, far)
	far.Take()
	if err := bob.Present(map[string]plan.Digest{"out": first}); err != nil {
		t.Fatal(err)
	}
	if asked := far.Take(); asked.Gets < 40 {
		t.Errorf("without a list: %+v", asked)
	}
	bob.Listed(func(key string) (int64, bool) {
		size, ok := sizes[key]
		return size, ok
	})
	if err := bob.Present(map[string]plan.Digest{"out": first}); err != nil {
		t.Fatal(err)
	}
	if asked := far.Take(); asked.Gets > 0 {
		t.Errorf("with a list: %+v", asked)
	}
	if err := bob.Present(map[string]plan.Digest{"out": late}); err != nil {
		t.Errorf("what came after the list: %v", err)
	}
	list, err := bob.OpenDir(late)
	if err != nil {
		t.Fatal(err)
	}
	key, err := objects.Key(list.Files[0].Digest)
	if err == nil {
		err = b.Delete(t.Context(), key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := bob.Present(map[string]plan.Digest{"out": late}); !errors.Is(err, ErrMissing) {
		t.Errorf("what is gone: %v", err)
	}
}
