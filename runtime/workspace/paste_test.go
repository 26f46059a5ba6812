package workspace

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestCommandsCanBePasted: a shell takes what is printed to be copied as it is meant, whatever stands in it.
func TestCommandsCanBePasted(t *testing.T) {
	m := &schema.Model{Features: []schema.Column{{Name: "it's", Type: "varchar"}, {Name: "$HOME", Type: "double"}}}
	for command, want := range map[string][]string{
		ScoreCommand(`scorer["eu"]`, m): {"-s", `localhost:8080/v1/models/scorer%5B%22eu%22%5D/predict`, "-d", `{"rows":[{"$HOME":0,"it's":""}]}`},
	} {
		words := strings.TrimPrefix(command, "curl ")
		got, err := exec.Command("sh", "-c", `for w in "$@"; do :; done; set -- `+words+`; printf '%s\n' "$@"`).Output()
		if err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(want, "\n") + "\n"; string(got) != s {
			t.Errorf("%s: got %s, want %s", command, got, s)
		}
	}
}
