package syntax

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// moduleText is the text of all modules of the repository's examples and tests, one behind the other.
func moduleText(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != Extension {
			return err
		}
		data, err := os.ReadFile(path)
		f := NewFile(path, data)
		if _, ds := parsePiece(f, 0, len(data)); err == nil && len(ds) == 0 && data[len(data)-1] == '\n' {
			text.Write(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestPieces: a file that is parsed by pieces has the blocks and attributes that it has as a whole, at the same places.
func TestPieces(t *testing.T) {
	var attrs strings.Builder
	for i := range 300 {
		fmt.Fprintf(&attrs, "a%d = [\n  %d,\n  \"ä${b}\",\n]\n", i, i)
	}
	for name, text := range map[string]string{"modules": moduleText(t), "attributes": attrs.String(), "lines of Windows": strings.ReplaceAll(attrs.String(), "\n", "\r\n"),
		"heredocs": strings.Repeat("block \"x\" {\n  a = <<-E\nword\n  E\n}\n/*\nword = 1\n*/\n# word\n", 100)} {
		f := NewFile("x.mlp", []byte(text))
		m, ds := measure(f, 0)
		if len(ds) > 0 || len(m.cuts) < 4 {
			t.Errorf("%s: %d cuts, %v", name, len(m.cuts), ds)
		}
		want, wrong := parsePiece(f, 0, len(f.Bytes))
		got := parsePieces(f, 0, m.cuts)
		if len(wrong) > 0 || got == nil {
			t.Errorf("%s: got %v, %v", name, got, wrong)
			continue
		}
		if len(got.Blocks) != len(want.Blocks) {
			t.Fatalf("%s: %d blocks by pieces, %d as a whole", name, len(got.Blocks), len(want.Blocks))
		}
		for i, b := range want.Blocks {
			if !reflect.DeepEqual(got.Blocks[i], b) {
				t.Errorf("%s: another block by pieces than that in line %d", name, b.TypeRange.Start.Line)
			}
		}
		if !reflect.DeepEqual(got.Attributes, want.Attributes) {
			t.Errorf("%s: other attributes by pieces: %d and %d", name, len(got.Attributes), len(want.Attributes))
		}
	}
}

// TestPiecesThatAreWrong: what is told of a file does not depend on its pieces.
func TestPiecesThatAreWrong(t *testing.T) {
	good := strings.Repeat("a \"b\" {\n  c = 1\n}\n", 100)
	for _, text := range []string{"x = 1\n" + good + "x = 2\n", good + "a {\n" + good, good + "}\n" + good, good + "x = (\n" + good, good + "a b = 1\n" + good, "x = <<E\n" + good, good + "x = \"${\n" + good} {
		f := NewFile("x.mlp", []byte(text))
		m, refused := measure(f, 0)
		if len(refused) > 0 {
			t.Fatalf("%q: %v", text[:20], refused)
		}
		var got, want []string
		_, ds := parseFrom(f, 0, m.cuts)
		for _, d := range ds {
			got = append(got, d.Error())
		}
		_, ds = parsePiece(f, 0, len(f.Bytes))
		for _, d := range ds {
			want = append(want, d.Error())
		}
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("%q: %d mistakes (-whole +pieces):\n%s", text[max(0, len(text)-30):], len(want), d)
		}
	}
}
