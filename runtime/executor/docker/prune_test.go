package docker

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestStale(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	all := []loaded{{"b", day(2)}, {"d", day(4)}, {"never tagged", time.Time{}}, {"a", day(2)}, {"c", day(3)}}
	for keep, want := range map[int][]string{0: {"d", "c", "a", "b", "never tagged"}, 3: {"b", "never tagged"}, 5: nil, 9: nil} {
		if got := stale(slices.Clone(all), keep); !slices.Equal(got, want) {
			t.Errorf("keep %d: got %q, want %q", keep, got, want)
		}
	}
	if got := stale(nil, 3); got != nil {
		t.Errorf("of none: got %q", got)
	}
}

// TestDockerRemovesImagesNotInUse shows what pruning rests on: an image goes unless a container is made of it.
func TestDockerRemovesImagesNotInUse(t *testing.T) {
	ctx := context.Background()
	binary, err := stageBinary()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, append(data, "another build"...), 0o755); err != nil {
		t.Fatal(err)
	}
	e := newExecutor(t, Options{SelfPath: other})
	image, err := e.image.get(ctx, e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	task, _ := newTask(t, "nothing")
	c, h := e.config(task, engine{}, image, laidOut(t, task))
	id, err := e.createContainer(ctx, c, h)
	if err != nil {
		t.Fatal(err)
	}
	e.removeImages(ctx, []string{image})
	if _, _, err := e.Resolve(ctx, image); err != nil {
		t.Errorf("in use: got %v, want it to stay", err)
	}
	e.remove(ctx, id)
	e.removeImages(ctx, []string{image})
	if _, _, err := e.Resolve(ctx, image); err == nil {
		t.Error("not in use: it is still there")
	}
}
