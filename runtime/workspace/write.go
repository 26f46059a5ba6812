package workspace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// SavePlan saves a plan in a file, for ReadPlan and ApplySaved. A file that is there is replaced; after an error it may
// hold a part, which ReadPlan refuses.
func SavePlan(path string, p *plan.Plan) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	if err := WritePlan(file, p); err != nil {
		file.Close()
		return fmt.Errorf("saving the plan: %w", err)
	}
	return file.Close()
}

// WritePlan writes a plan as indented JSON, a node at a time: as one text, a large plan takes as much memory as all else. The bytes are those that
// one text would have: all but the nodes is written first, and the nodes are put into their empty list.
func WritePlan(w io.Writer, p *plan.Plan) error {
	if len(p.Nodes) == 0 {
		return writeJSON(w, p)
	}
	rest, text := *p, bytes.Buffer{}
	rest.Nodes = []*plan.Node{}
	if err := writeJSON(&text, &rest); err != nil {
		return err
	}
	// The list is found by its indentation: no user's text can have a line end in it, since JSON writes those as \n.
	const nodes = "\n  \"nodes\": [" // of the plan itself: what is further in stands further in
	before, after, _ := bytes.Cut(text.Bytes(), []byte(nodes))
	out := bufio.NewWriter(w)
	out.Write(before) // the writer keeps its first error
	out.WriteString(nodes)
	var one bytes.Buffer
	enc := json.NewEncoder(&one)
	enc.SetEscapeHTML(false)
	enc.SetIndent("    ", "  ")
	for i, n := range p.Nodes {
		one.Reset()
		if err := enc.Encode(n); err != nil {
			return err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	out.WriteString("\n  ")
	out.Write(after)
	return out.Flush()
}

// writeJSON writes indented JSON; <, > and & stand as they are.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// WriteNew writes a file that is not there yet.
func WriteNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
