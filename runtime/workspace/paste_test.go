package workspace

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestCommandsCanBePasted: a shell takes what is printed to be copied as it is meant, whatever stands in it.
func TestCommandsCanBePasted(t *testing.T) {
	m := &schema.Model{Features: []schema.Column{{Name: "it's", Type: "varchar"}, {Name: "$HOME", Type: "double"}}}
	wide := &schema.Model{}
	for i := range 200 {
		wide.Features = append(wide.Features, schema.Column{Name: fmt.Sprintf("feature_%d", i), Type: "double"})
	}
	for command, want := range map[string][]string{
		ScoreCommand(`scorer["eu"]`, m): {"-s", `localhost:8080/v1/models/scorer%5B%22eu%22%5D/predict`, "-d", `{"rows":[{"$HOME":0,"it's":""}]}`},
		ScoreCommand("wide", wide):      {"-s", "localhost:8080/v1/models/wide/openapi.json"}, // a row would be cut
	} {
		words := strings.TrimPrefix(command, "curl ")
		got, err := exec.Command("sh", "-c", `for w in "$@"; do :; done; set -- `+words+"\n"+`printf '%s\n' "$@"`).Output()
		if err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(want, "\n") + "\n"; string(got) != s {
			t.Errorf("%s: got %s, want %s", command, got, s)
		}
	}
}
