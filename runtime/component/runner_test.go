package component_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

func writeSpec(t *testing.T, spec string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "stage.json"), []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestRunStage(t *testing.T) {
	const spec = `{"protocol":1,"address":"stage.x","component":"stage.test","component_version":2,"config":{}}`
	run := func(err error) func(context.Context, *component.Stage) error {
		return func(context.Context, *component.Stage) error { return err }
	}
	tests := []struct {
		name    string
		spec    string
		run     func(context.Context, *component.Stage) error
		want    int
		wantLog []string
	}{
		{"success", spec, run(nil), 0, nil},
		{"failure", spec, run(errors.New("the disk is full")), 1, []string{"error: the disk is full\n", `{"detail":"","mlp":"error","summary":"the disk is full"}`}},
		{"input error", spec, run(fmt.Errorf("stage.x: %w", &component.InputError{Summary: "bad row", Detail: "Mend it."})), 78,
			[]string{"error: stage.x: bad row\nMend it.\n", `"detail":"Mend it."`, `"summary":"stage.x: bad row"`}},
		{"retry", spec, run(fmt.Errorf("server busy: %w", component.ErrRetry)), 75, []string{"error: server busy: try again"}},
		{"panic", spec, func(context.Context, *component.Stage) error { panic("index 3") }, 1,
			[]string{`"summary":"internal error in stage.test: index 3"`, "runner_test.go"}},
		{"unknown component", strings.Replace(spec, "stage.test", "stage.tset", 1), run(nil), 78, []string{`no component "stage.tset"`}},
		{"other version", strings.Replace(spec, `version":2`, `version":3`, 1), run(nil), 78, []string{"asks for version 3 of stage.test, this binary has version 2"}},
		{"other protocol", strings.Replace(spec, `protocol":1`, `protocol":9`, 1), run(nil), 1, []string{"stage protocol 9 is not spoken here"}},
		{"broken description", `{"protocol":`, run(nil), 1, []string{"stage.json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &component.Component{Kind: "stage", Type: schema.Type{Name: "test", Version: 2}, Run: tt.run}
			find := func(name string) *component.Component {
				if name == c.Name() {
					return c
				}
				return nil
			}
			var log strings.Builder
			got := component.RunStage(context.Background(), find, writeSpec(t, tt.spec), 1, &log)
			if got != tt.want {
				t.Errorf("exit code: got %d, want %d", got, tt.want)
			}
			for _, want := range tt.wantLog {
				if !strings.Contains(log.String(), want) {
					t.Errorf("log: got %q, want it to contain %q", log.String(), want)
				}
			}
			if tt.want == 0 && log.Len() > 0 {
				t.Errorf("log: got %q, want nothing", log.String())
			}
		})
	}
}

func TestRunStageWithoutDescription(t *testing.T) {
	var log strings.Builder
	got := component.RunStage(context.Background(), func(string) *component.Component { return nil }, t.TempDir(), 1, &log)
	if got != 1 || !strings.Contains(log.String(), "reading the stage's description") {
		t.Errorf("got %d and %q, want 1 and a word about the description", got, log.String())
	}
}

func TestRunStageStopsOnSIGTERM(t *testing.T) {
	c := &component.Component{Kind: "stage", Type: schema.Type{Name: "test", Version: 1}}
	c.Run = func(ctx context.Context, _ *component.Stage) error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
			return errors.New("not cancelled")
		}
	}
	root := writeSpec(t, `{"protocol":1,"address":"stage.x","component":"stage.test","component_version":1}`)
	var log strings.Builder
	got := component.RunStage(context.Background(), func(string) *component.Component { return c }, root, 1, &log)
	if want := component.ExitCancelled; got != want {
		t.Errorf("got %d, want %d; log %q", got, want, log.String())
	}
}

func TestParseMessage(t *testing.T) {
	tests := []struct {
		line string
		want component.Message
		ok   bool
	}{
		{`{"mlp":"progress","done":3,"total":10}`, component.Message{Kind: "progress", Done: 3, Total: 10}, true},
		{` {"mlp": "warning", "message": "constant column"} `, component.Message{Kind: "warning", Message: "constant column"}, true},
		{`{"mlp":"error","summary":"s","detail":"d"}`, component.Message{Kind: "error", Summary: "s", Detail: "d"}, true},
		{`{"mlp":"dance"}`, component.Message{}, false},
		{`{"mlp":"progress","done":"3"}`, component.Message{}, false},
		{`{"level":"info"}`, component.Message{}, false},
		{`mlp`, component.Message{}, false},
		{``, component.Message{}, false},
	}
	for _, tt := range tests {
		got, ok := component.ParseMessage(tt.line)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %+v %v, want %+v %v", tt.line, got, ok, tt.want, tt.ok)
		}
	}
}
