package view

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Formatted prints what laying out a file would change, in the unified form of diffs.
func (s *Screen) Formatted(f *workspace.Formatted) error {
	_, text, _ := bytes.Cut(diff.Diff(f.Name, f.Was, f.Name+" (formatted)", f.Now), []byte("\n")) // its first line is a command
	if s.Colors {
		text = paintDiff(text)
	}
	_, err := s.Out.Write(text)
	return err
}

// paintDiff colours a unified diff as git does: red what goes, green what comes, cyan where.
func paintDiff(text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		color := map[byte]string{'-': "\x1b[31m", '+': "\x1b[32m", '@': "\x1b[36m"}[line[0]]
		if color == "" {
			b.Write(line)
			continue
		}
		b.WriteString(color)
		b.Write(bytes.TrimSuffix(line, []byte("\n")))
		b.WriteString("\x1b[0m\n")
	}
	return b.Bytes()
}
