package suite

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// ReadFiles reads the files of tests that are named, relative to the module's folder, or all in that folder. Keys are
// names with forward slashes, texts without a byte order mark. A module without tests is a workspace.Failure: a CI job
// that is to run tests and finds none must not be green. Mistakes of reading, such as text that is not UTF-8, are a
// *front.Error.
func ReadFiles(w *workspace.Workspace, names []string) (map[string][]byte, error) {
	if len(names) == 0 {
		found, err := filepath.Glob(filepath.Join(w.Dir, "*"+syntax.TestExtension))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, &workspace.Failure{Err: fmt.Errorf("there is no %s file in %s", syntax.TestExtension, w.Given), Hint: "Tests stand beside the .mlp files: test \"name\" { … }. 'mlp docs test' says what they take."}
		}
		for _, path := range found {
			names = append(names, filepath.Base(path))
		}
	}
	out := map[string][]byte{}
	for _, name := range names {
		text, diags := syntax.ReadFile(workspace.Absolute(w.Dir, name), name)
		if diags = append(diags, syntax.CheckText(name, text)...); diags.HasErrors() {
			return nil, &front.Error{Diagnostics: diags, Files: map[string][]byte{name: text}}
		}
		out[filepath.ToSlash(name)] = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // a byte order mark
	}
	return out, nil
}
