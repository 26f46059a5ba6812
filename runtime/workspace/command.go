package workspace

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// planning are the commands that take --base.
var planning = []string{"plan", "apply"}

// Command writes a command line of mlp, "show deploy.scorer", with all that selects what this one works on: the folder,
// the workspace, and what it gave to variables. So what is copied acts on what was spoken of.
// rest is taken as it is: addresses in it are words for a shell already (render.ShellWord), since train.model["eu"] is
// none. For the folder pipelines/churn and workspace prod, "plan" becomes "mlp -C pipelines/churn plan --workspace
// prod".
func (w *Workspace) Command(rest string) string {
	name, arguments, _ := strings.Cut(rest, " ")
	if slices.Contains(families, name) {
		var below string
		below, arguments, _ = strings.Cut(arguments, " ")
		name += " " + below
	}
	words := []string{"mlp"}
	if w.Given != "." && w.Given != "" {
		words = append(words, "-C", render.ShellWord(w.Given))
	}
	words = append(words, name)
	if w.Name != "default" {
		words = append(words, "--workspace", w.Name)
	}
	if w.StoreURL != "" {
		words = append(words, "--store", render.ShellWord(w.StoreURL))
	}
	if w.Base != "" && slices.Contains(planning, name) {
		words = append(words, "--base", w.Base)
	}
	for _, s := range w.Told {
		words = append(words, s.Flag(), render.ShellWord(s.Value))
	}
	if arguments != "" {
		words = append(words, arguments)
	}
	return strings.Join(words, " ")
}

// families are commands that are followed by another one.
var families = []string{"release", "store", "workspace"}

// ScoreCommand is a request that scores one row, with every feature at an empty value to be filled in.
// The port is the default one of mlp serve. Without a model that is known the row is empty. A row that would be cut where it is shown could not be pasted: then
// it is a request for the schema of a row.
func ScoreCommand(name string, m *schema.Model) string {
	row := map[string]any{}
	if m != nil {
		for _, f := range m.Features {
			switch f.Type {
			case "varchar":
				row[f.Name] = ""
			case "boolean":
				row[f.Name] = false
			default:
				row[f.Name] = 0
			}
		}
	}
	body, err := json.Marshal(map[string]any{"rows": []any{row}})
	if err != nil {
		return ""
	}
	of := "localhost:8080/v1/models/" + url.PathEscape(name)
	if utf8.RuneCount(body) > render.LongestShown {
		return fmt.Sprintf("curl -s %s/openapi.json  # its %d features; rows go to %s/predict", of, len(m.Features), of)
	}
	return fmt.Sprintf("curl -s %s/predict -d %s", of, render.ShellWord(string(body)))
}
