package docker

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/mlp-lang/mlp/lang/schema"
	made "github.com/mlp-lang/mlp/runtime/component/image"
	"github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// buildTask is a task that builds a Dockerfile, and has the image of testdata/stage under the name base.
func buildTask(t *testing.T, e *Executor, files map[string]string) (executor.Task, *testLog) {
	t.Helper()
	base, err := e.image.get(context.Background(), e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	second := "mlp-test-base:" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")) // an image with two names is pruned by nobody
	if err := e.api.ImageTag(context.Background(), base, second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = e.api.ImageRemove(context.Background(), second, image.RemoveOptions{}) })
	task, log := newTask(t, "build")
	code := t.TempDir()
	for name, text := range files {
		to := filepath.Join(code, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(task.Out, "image"), 0o755); err != nil {
		t.Fatal(err)
	}
	task.Inputs = []executor.Input{{Port: schema.CodePort, Path: code}}
	task.Spec.Out = map[string]schema.Shape{"image": {Type: schema.ImagePort}}
	task.Container = &executor.Container{Build: &executor.Build{Dockerfile: "Dockerfile", Context: ".",
		Images: map[string]executor.Image{"base": {ID: base, Version: base + " linux/amd64"}}}}
	t.Cleanup(func() {
		_, _ = e.api.ImageRemove(context.Background(), buildName+":"+tag(task.Fingerprint), image.RemoveOptions{Force: true, PruneChildren: true})
	})
	return task, log
}

// built runs a task, and reads what it made.
func built(t *testing.T, e *Executor, task executor.Task, log *testLog) made.Made {
	t.Helper()
	res, err := e.Run(context.Background(), task)
	if err != nil || res.ExitCode != 0 {
		t.Fatalf("got %+v, %v\n%s", res, err, log)
	}
	m, err := made.Parse(readFile(t, filepath.Join(task.Out, "image", made.File)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDockerBuilds holds that what is built lies on the image that it was built upon, has one time, is the same when it is built again without the builder's cache, and
// runs.
func TestDockerBuilds(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := buildTask(t, e, map[string]string{
		"Dockerfile": "FROM base AS first\nARG WORD\nCOPY app /app\nENV WORD=${WORD}\nFROM first\nENTRYPOINT [\"/nothing\"]\n", "app/a.txt": "a", "app/b/c.txt": "c"})
	task.Container.Build.Args = map[string]string{"WORD": "said"}
	m := built(t, e, task, log)
	base := task.Container.Build.Images["base"]
	if m.Base != base.Version || len(m.Layers) != 1 || !strings.Contains(string(m.Config), `"WORD=said"`) || !strings.Contains(string(m.Config), "/nothing") {
		t.Errorf("got %+v", m)
	}
	names := map[string]bool{}
	first := filepath.Join(task.Out, "image", m.Layers[0])
	f, err := os.Open(first)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for entries := tar.NewReader(f); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[h.Name] = true
		if h.ModTime.Unix() > dockerfile.Epoch || h.Uid != 0 {
			t.Errorf("%s has the time %v and the owner %d", h.Name, h.ModTime, h.Uid)
		}
	}
	if !names["app/b/c.txt"] || names["app/Dockerfile"] || slices.ContainsFunc([]string{builtBy, ignoring}, func(n string) bool { return names[n] }) {
		t.Errorf("got the files %v", names)
	}
	once := readFile(t, first)
	if _, err := e.api.ImageRemove(context.Background(), buildName+":"+tag(task.Fingerprint), image.RemoveOptions{Force: true, PruneChildren: true}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // another second, which files that are made have
	if err := errors.Join(os.RemoveAll(filepath.Join(task.Out, "image")), os.Mkdir(filepath.Join(task.Out, "image"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if again := built(t, e, task, log); string(readFile(t, filepath.Join(task.Out, "image", again.Layers[0]))) != string(once) {
		t.Error("built twice, the layers differ")
	}
	runsOn(t, e, task, m)
}

// runsOn runs a stage in an image that was built, and builds upon it.
func runsOn(t *testing.T, e *Executor, task executor.Task, m made.Made) {
	t.Helper()
	image := executor.Made{Dir: filepath.Join(task.Out, "image"), Base: m.Base, Layers: m.Layers, Config: m.Config, Digest: "blake3:" + strings.Repeat("cd", 32)}
	id := strings.Fields(m.Base)[0]
	run, log := newTask(t, "copy")
	run.Container = &executor.Container{ImageID: id, Made: &image, Command: []string{"/bin/mlp", "stage", "--root", "/mlp"}}
	if res, err := e.Run(context.Background(), run); err != nil || res.ExitCode != 0 {
		t.Errorf("a stage in the image: got %+v, %v\n%s", res, err, log)
	}
	upper, log := buildTask(t, e, map[string]string{"Dockerfile": "FROM lower\nCOPY d.txt /app/\n", "d.txt": "d"})
	upper.Fingerprint = "blake3:34"
	upper.Container.Build.Images = map[string]executor.Image{"lower": {ID: id, Made: &image}}
	if got := built(t, e, upper, log); got.Base != m.Base || len(got.Layers) != 2 {
		t.Errorf("built upon it: got %+v", got)
	}
	e.forgetMade(t, image.Digest)
}

// forgetMade removes the image that a test loaded.
func (e *Executor) forgetMade(t *testing.T, digest string) {
	t.Helper()
	if _, err := e.api.ImageRemove(context.Background(), madeName(digest), image.RemoveOptions{Force: true, PruneChildren: true}); err != nil {
		t.Error(err)
	}
}

// TestDockerBuildFails holds that a failure tells the instruction, by its line, and what it said.
func TestDockerBuildFails(t *testing.T) {
	tests := []struct {
		name, dockerfile, want, tail string
	}{
		{"RUN", "# a comment\nFROM base\nRUN [\"/bin/mlp\", \"run\", \\\n  \"fails\"]\n", `"summary":"Dockerfile:3: RUN [\"/bin/mlp\", \"run\",   \"fails\"]: it ended with exit code 3"`, `"detail":"cannot find libz"`},
		{"no shell", "FROM base\nRUN true\n", `"summary":"Dockerfile:2: RUN true: `, "/bin/sh"},
		{"COPY by a variable", "FROM base\nARG X=gone\nCOPY $X /\n", `"summary":"Dockerfile:3: COPY $X /: `, "gone"},
		{"a user that is not there", "FROM base\nUSER nobody:nobody\nRUN [\"/bin/mlp\"]\n", `"summary":"Dockerfile:3: RUN`, "nobody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newExecutor(t, Options{})
			task, log := buildTask(t, e, map[string]string{"Dockerfile": tt.dockerfile})
			res, err := e.Run(context.Background(), task)
			if err != nil || res.ExitCode == 0 || !strings.Contains(log.String(), tt.want) || !strings.Contains(log.String(), tt.tail) {
				t.Errorf("got %+v, %v\n%s", res, err, log)
			}
		})
	}
}

// TestDockerBuildEnds holds that an image that is gone, a time-out and a cancellation are what they are.
func TestDockerBuildEnds(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := buildTask(t, e, map[string]string{"Dockerfile": "FROM base\nRUN [\"/bin/mlp\", \"run\", \"on\"]\n"})
	gone := task
	gone.Container = &executor.Container{Build: &executor.Build{Dockerfile: "Dockerfile", Context: ".", Images: map[string]executor.Image{"base": {ID: "sha256:" + strings.Repeat("ab", 32)}}}}
	if _, err := e.Run(context.Background(), gone); !errors.Is(err, executor.ErrImage) || !strings.Contains(err.Error(), "base") {
		t.Errorf("without its base: got %v", err)
	}
	late := task
	late.Timeout = 2 * time.Second
	if res, err := e.Run(context.Background(), late); err != nil || !res.TimedOut {
		t.Errorf("a RUN that does not end: got %+v, %v\n%s", res, err, log)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := e.Run(ctx, task); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: got %v", err)
	}
}
