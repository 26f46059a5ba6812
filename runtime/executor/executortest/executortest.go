// Package executortest holds executors to one suite of laws: what spec/protocol.md gives every stage, wherever it runs. An executor's
// tests call Run with a way to make one:
//
//	func TestConformance(t *testing.T) {
//		executortest.Run(t, executortest.Subject{New: func(t *testing.T, self string) executor.Executor { … }})
//	}
package executortest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// Subject is a kind of executor that is held to the laws.
type Subject struct {
	// New makes an executor whose built-in components are run by the static binary self.
	New func(t *testing.T, self string) executor.Executor
	// Walled: stages cannot write to inputs, to their description and beside their folders, and have no network.
	Walled bool
	// Stays: built-in stages run one after another in what stays of the executor until it is closed, if their tasks allow that.
	Stays bool
	// Image makes an image with the binary self at ImagePath, and returns its id; nil: the executor runs no images.
	Image func(t *testing.T, self string) string
	// Done is called with the binary when all laws were tried; nil: nothing is to be cleaned up.
	Done func(self string)
}

// ImagePath is where an image has the binary.
const ImagePath = "/bin/mlp"

// Run tries all laws.
func Run(t *testing.T, s Subject) {
	self := build(t)
	if s.Done != nil {
		t.Cleanup(func() { s.Done(self) })
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			b := &bench{T: t, subject: s, self: self, exec: s.New(t, self)}
			t.Cleanup(func() { _ = b.exec.Close() })
			law.try(b)
		})
	}
}

// build makes the binary that stands in for mlp, static as the real one is.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stage")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "github.com/mlp-lang/mlp/runtime/executor/executortest/stage")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the stage: %v\n%s", err, out)
	}
	return path
}

// bench is where one law is tried.
type bench struct {
	*testing.T
	subject Subject
	self    string // the binary
	exec    executor.Executor
}

// trial is a task and what is heard of it. Laws change the task before it runs.
type trial struct {
	executor.Task
	log *lines
}

// task is one of a stage that is named by what it does, with a file as its input.
// The input data holds a.txt with "hello"; config is {"k": 1} and the seed 7, which the stage bytes writes down.
func (b *bench) task(name string) *trial {
	b.Helper()
	dir, log := b.TempDir(), &lines{}
	task := executor.Task{
		Pipeline: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(b.Name())), Workspace: "default", Address: "stage.x",
		Fingerprint: "blake3:12", Apply: "a1", Attempt: 1,
		Scratch: filepath.Join(dir, "scratch"), Out: filepath.Join(dir, "out"), Checkpoint: filepath.Join(dir, "checkpoint"),
		Inputs: []executor.Input{{Port: "data", Path: filepath.Join(dir, "data")}}, Log: log, Timeout: time.Minute,
		Spec: component.Spec{
			Protocol: component.Protocol, Address: "stage.x", Component: "test." + name, Version: 1, Seed: 7, Config: []byte(`{"k":1}`),
			In: map[string]schema.Shape{"data": {Type: schema.FilesPort}}, Out: map[string]schema.Shape{"files": {Type: schema.FilesPort}},
		},
	}
	if b.subject.Stays {
		task.Inputs[0].Own = true
		task.Place = func(pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }
	}
	for _, d := range []string{task.Out, task.Checkpoint, task.Inputs[0].Path} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(task.Inputs[0].Path, "a.txt"), []byte("hello"), 0o644); err != nil {
		b.Fatal(err)
	}
	return &trial{task, log}
}

// run runs a task, which must be carried through.
func (b *bench) run(x *trial) executor.Result {
	b.Helper()
	got, err := b.exec.Run(b.Context(), x.Task)
	if err != nil {
		b.Fatalf("got %v; log %q", err, x.log)
	}
	return got
}

// clean holds that nothing is left of an attempt but its outputs and checkpoint.
func (b *bench) clean(x *trial) {
	b.Helper()
	if b.subject.Stays {
		if err := b.exec.Close(); err != nil {
			b.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(x.Out), "*-*")); err != nil || len(left) > 0 {
			b.Errorf("got %v, %v, want nothing left of what stayed", left, err)
		}
	}
	if left := Left(x.Scratch); len(left) > 0 {
		b.Errorf("scratch: got %v, want nothing left", left)
	}
	if c, ok := b.exec.(executor.Cleaner); ok {
		if n, err := c.Cleanup(context.WithoutCancel(b.Context()), x.Pipeline, x.Workspace); n != 0 || err != nil {
			b.Errorf("the engine: got %d, %v, want nothing left", n, err)
		}
	}
}

// Left are the files in an executor's folder that a stage may have written: all but the description of the last stage. Links are not followed,
// and folders with nothing in them may stay.
func Left(dir string) []string {
	var left []string
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && path != filepath.Join(dir, "stage.json") {
			left = append(left, path)
		}
		return nil
	})
	return left
}

// lines is a log that may be read while it is written.
type lines struct {
	mu     sync.Mutex
	text   strings.Builder
	broken string // a Write that was no whole line
}

// Write takes what an executor says is one line, and notes one that is none (broken).
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !strings.HasSuffix(string(p), "\n") || strings.Count(string(p), "\n") != 1 {
		l.broken = string(p)
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until a text is in the log.
func (l *lines) await(text string) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(l.String(), text) {
			return nil
		}
	}
	return fmt.Errorf("the log has no %q: %q", text, l)
}
