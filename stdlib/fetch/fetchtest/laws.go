// Package fetchtest holds what every fetch is held to, whatever it gets from where: its version stays while nothing changes and moves
// when something does, the same version gives the same bytes, and what was changed since is not passed off as what was planned.
package fetchtest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Subject is a component with something outside that it can get.
type Subject struct {
	Component *component.Component
	// Config is marshalled as the block's configuration.
	Config any
	// Secret opens what lies outside; "" where nothing is locked.
	Secret string
	Dir    string // of paths of this machine
	Change func() // makes what lies outside another
}

// Version asks for the version.
func (s Subject) Version(ctx context.Context) (string, error) {
	return s.Component.Version(ctx, component.Outside{Config: s.config(), Secret: s.secret(), Dir: s.Dir})
}

// secret is nil where there is none, as a fetch is told.
func (s Subject) secret() []byte {
	if s.Secret == "" {
		return nil
	}
	return []byte(s.Secret)
}

func (s Subject) config() json.RawMessage {
	config, err := json.Marshal(s.Config)
	if err != nil {
		panic(err) // a test's own configuration
	}
	return config
}

// Fetch fetches at a version. It returns the files by name, and the log.
// It is run as the engine runs it, in a folder with a description and the secret as a file. err is that of the component; the files
// are those that it wrote, also after an error.
func (s Subject) Fetch(ctx context.Context, t *testing.T, version string) (files map[string]string, log string, err error) {
	t.Helper()
	root := t.TempDir()
	spec, err := json.Marshal(component.Spec{
		Protocol: component.Protocol, Address: "source.x@fetch", Component: s.Component.Name(), Version: s.Component.Type.Version, Config: s.config(),
		Out: map[string]schema.Shape{"files": {Type: schema.FilesPort}}, Versions: map[string]string{"outside": version},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644)
	}
	if err == nil && s.Secret != "" {
		if err = os.Mkdir(filepath.Join(root, "secrets"), 0o700); err == nil {
			err = os.WriteFile(filepath.Join(root, "secrets", "opens"), []byte(s.Secret), 0o400)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	stage, err := component.Open(root, 1, &out)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Component.Run(ctx, stage)
	files = map[string]string{}
	entries, _ := os.ReadDir(filepath.Join(root, "out", "files"))
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(root, "out", "files", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files, out.String(), err
}

// Laws runs what holds of every fetch.
//
// In this order: the version is there, and stays; what is fetched at it is the same each time, and holds no secret; a fetch that is
// cancelled fails; nothing is left outside of the stage's folder. Then something changes: the version is another one, the former
// version can no longer be had and the error says that something changed, and the new version gives other bytes. A test calls it
// last, since what lies outside is another after it.
func Laws(t *testing.T, s Subject) {
	ctx := t.Context()
	t.Setenv("TMPDIR", t.TempDir())
	version := func() string {
		t.Helper()
		v, err := s.Version(ctx)
		if err != nil || v == "" {
			t.Fatalf("got version %q, %v", v, err)
		}
		return v
	}
	first := version()
	if again := version(); again != first {
		t.Errorf("nothing changed, and the version went from %q to %q", first, again)
	}
	files, log, err := s.Fetch(ctx, t, first)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Error("nothing was fetched")
	}
	if again, _, err := s.Fetch(ctx, t, first); err != nil || !same(files, again) {
		t.Errorf("the same version gave other bytes: %q, %q, %v", files, again, err)
	}
	if s.Secret != "" && strings.Contains(log+first+strings.Join(texts(files), "\n"), s.Secret) {
		t.Error("the secret stands in the version, the log or what was fetched")
	}

	late, cancel := context.WithTimeout(ctx, time.Nanosecond)
	defer cancel()
	<-late.Done()
	if _, _, err := s.Fetch(late, t, first); err == nil {
		t.Error("a fetch that was cancelled succeeded")
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%s was left outside of the stage's folder", left[0].Name())
	}

	s.Change()
	second := version()
	if second == first {
		t.Errorf("something changed, and the version is %q as before", first)
	}
	if _, _, err := s.Fetch(ctx, t, first); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("what changed since the plan was made was fetched all the same, or the message does not say so: %v", err)
	}
	if changed, _, err := s.Fetch(ctx, t, second); err != nil || same(files, changed) {
		t.Errorf("the new version gave the former bytes, or %v", err)
	}
}

// same compares files by name and content.
func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if b[name] != text {
			return false
		}
	}
	return true
}

// texts are the contents of files, in no order.
func texts(files map[string]string) []string {
	var out []string
	for _, text := range files {
		out = append(out, text)
	}
	return out
}
