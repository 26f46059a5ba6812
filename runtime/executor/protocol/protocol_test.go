package protocol_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

func spec() component.Spec {
	return component.Spec{
		Protocol: component.Protocol, Address: "train.model", Component: "train.container", Version: 1, Seed: -7,
		In: map[string]schema.Shape{"data": {Type: schema.TablePort}, "from.card-payments": {Type: schema.TablePort}},
		Out: map[string]schema.Shape{
			"": {Type: schema.ModelPort}, "model": {Type: schema.ModelPort},
			"figures": {Type: schema.FiguresPort}, "verdict": {Type: schema.VerdictPort}, "notes": {Type: schema.FilesPort},
		},
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not for stages")
	got := protocol.Environment(spec(), protocol.Settings{
		Root: "/mlp", Home: "/tmp", Path: "/bin", CPUs: 1.5,
		Extra: map[string]string{"TREES": "300", "MLP_SEED": "1", "TZ": "Europe/Paris"},
	})
	want := []string{
		"HOME=/tmp", "LC_ALL=C", "MLP_IN_DATA=/mlp/in/data", "MLP_IN_FROM_CARD_PAYMENTS=/mlp/in/from.card-payments",
		"MLP_OUT_MODEL=/mlp/out/model", "MLP_OUT_NOTES=/mlp/out/notes", "MLP_PROTOCOL=1", "MLP_ROOT=/mlp", "MLP_SEED=-7",
		"MLP_THREADS=1", "PATH=/bin", "TMPDIR=/tmp", "TREES=300", "TZ=Europe/Paris",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMakeOutputFolders(t *testing.T) {
	out := t.TempDir()
	if err := protocol.MakeOutputFolders(out, spec()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := []string{"model", "notes"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := protocol.MakeOutputFolders(filepath.Join(out, "model", "x\x00"), spec()); err == nil {
		t.Error("a folder that can't be made: got no error")
	}
}

func TestWriteDescription(t *testing.T) {
	root := t.TempDir()
	if err := protocol.WriteDescription(filepath.Join(root, protocol.DescriptionFile), spec()); err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(root, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Address != "train.model" || s.Seed != -7 || len(s.In) != 2 {
		t.Errorf("got %+v, want what was written", s.Spec)
	}
	if err := protocol.WriteDescription(filepath.Join(root, "missing", "stage.json"), spec()); err == nil {
		t.Error("a folder that is not there: got no error")
	}
}

// pieces records each Write.
type pieces struct {
	got  []string
	fail error
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.fail != nil {
		return 0, p.fail
	}
	p.got = append(p.got, string(b))
	return len(b), nil
}

func TestLogKeepsLinesWhole(t *testing.T) {
	out := &pieces{}
	log := protocol.NewLog(out, nil)
	a, b := log.Stream(), log.Stream()
	for _, w := range []struct {
		s    *protocol.Stream
		text string
	}{{a, "one "}, {b, "err 1\r\nerr"}, {a, "line\n\ntwo\nno end"}, {b, " 2\n"}} {
		if n, err := w.s.Write([]byte(w.text)); n != len(w.text) || err != nil {
			t.Fatalf("Write(%q): got %d, %v", w.text, n, err)
		}
	}
	a.Close()
	b.Close()
	want := []string{"err 1\n", "one line\n", "\n", "two\n", "err 2\n", "no end\n"}
	if !slices.Equal(out.got, want) {
		t.Errorf("got %q, want %q", out.got, want)
	}
}

func TestLogBreaksEndlessLines(t *testing.T) {
	out := &pieces{}
	s := protocol.NewLog(out, nil).Stream()
	s.Write([]byte(strings.Repeat("x", 200<<10)))
	s.Close()
	if got, want := len(out.got), 4; got != want {
		t.Fatalf("got %d lines, want %d", got, want)
	}
	if got, want := len(strings.Join(out.got, "")), 200<<10+4; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
}

func TestLogOutlivesItsWriter(t *testing.T) {
	log := protocol.NewLog(&pieces{fail: errors.New("disk full")}, nil)
	s := log.Stream()
	if n, err := s.Write([]byte("a\nb\n")); n != 4 || err != nil {
		t.Errorf("got %d, %v, want the stage not to notice", n, err)
	}
	if log.Err() == nil {
		t.Error("got no error, want the writer's")
	}
}

// TestWriteDescriptionOverAnother: of a longer one that was there nothing is left.
func TestWriteDescriptionOverAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), protocol.DescriptionFile)
	for _, address := range []string{"a.b", "train." + strings.Repeat("model", 100), "a.b"} {
		if err := protocol.WriteDescription(path, component.Spec{Address: address}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got component.Spec
		if err := json.Unmarshal(data, &got); err != nil || got.Address != address {
			t.Errorf("got %s, %v", data, err)
		}
	}
}
