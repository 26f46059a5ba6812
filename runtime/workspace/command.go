package workspace

import (
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Command writes a command line of mlp, "show deploy.scorer", with all that selects what this one works on: the folder,
// the workspace, and what it gave to variables. So what is copied acts on what was spoken of.
func (w *Workspace) Command(rest string) string {
	name, arguments, _ := strings.Cut(rest, " ")
	words := []string{"mlp"}
	if w.Given != "." && w.Given != "" {
		words = append(words, "-C", render.ShellWord(w.Given))
	}
	words = append(words, name)
	if w.Name != "default" {
		words = append(words, "--workspace", w.Name)
	}
	for _, s := range w.Told {
		words = append(words, s.Flag(), render.ShellWord(s.Value))
	}
	if arguments != "" {
		words = append(words, arguments)
	}
	return strings.Join(words, " ")
}
