package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Uncomputed says of a block that computes nothing what uses it.
func (s *Screen) Uncomputed(address string, users []string) error {
	by := "nothing"
	if len(users) > 0 {
		by = strings.Join(render.Clean(users), ", ")
	}
	_, err := fmt.Fprintf(s.Out, "%s computes nothing itself, so it never runs.\n  used by  %s\n", address, by)
	return err
}
