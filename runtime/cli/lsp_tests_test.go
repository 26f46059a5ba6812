package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.lsp.dev/protocol"
)

const editorTests = `test "a weak model is held" {
  given "evaluate.holdout" { metrics = { recall = 0.1 } }
  assert "held" { that = "gate.release.verdict == 'fail'" }
}
`

// openTests opens a file of tests beside the editor's module, with a cursor in its text.
func openTests(t *testing.T, text string) (*client, protocol.Position) {
	t.Helper()
	c := newClient(t, editorModule)
	if !strings.Contains(text, "‸") {
		c.open("release.mlptest", text)
		return c, protocol.Position{}
	}
	text, at := cursor(t, text)
	c.open("release.mlptest", text)
	return c, at
}

// TestLSPTests holds that a file of tests is completed by its own vocabulary, and assertions by what they see.
func TestLSPTests(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want, not  []string
	}{
		{"kinds", editorTests + "\nte‸", []string{"given", "test", "variables"}, []string{"train", "pipeline"}},
		{"arguments", strings.Replace(editorTests, "  given", "  ‸\n  given", 1), []string{"after", "run", "targets", "expect"}, []string{"features"}},
		{"values", strings.Replace(editorTests, "  given", "  run = \"‸\"\n  given", 1), []string{"apply", "plan"}, nil},
		{"assertions", strings.Replace(editorTests, "gate.release.verdict", "gate.release.‸", 1), []string{"approvals", "rules", "verdict"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, at := openTests(t, tt.text)
			list, err := c.server.Completion(context.Background(), &protocol.CompletionParams{TextDocumentPositionParams: c.at("release.mlptest", at)})
			if err != nil {
				t.Fatal(err)
			}
			got := labels(list)
			for _, w := range tt.want {
				if !slices.Contains(got, w) {
					t.Errorf("got %v, want %q among them", got, w)
				}
			}
			for _, n := range tt.not {
				if slices.Contains(got, n) {
					t.Errorf("got %v, want no %q", got, n)
				}
			}
		})
	}
}

// TestLSPTestDiagnostics holds that mistakes of tests are told in their file, and that the module is left as it is.
func TestLSPTestDiagnostics(t *testing.T) {
	c, _ := openTests(t, strings.Replace(editorTests, "recall = 0.1", "recal = 0.1", 1))
	got := c.diagnostics("release.mlptest")
	if len(got) != 1 || !strings.HasPrefix(got[0], "1:49-1:52 error") || !strings.Contains(got[0], `did you mean "recall"`) {
		t.Errorf("got %q, want the figure's name with a suggestion", got)
	}
	if _, err := os.Stat(filepath.Join(c.dir, ".mlp")); err == nil {
		t.Error("typing tests made a store beside the module")
	}
}
