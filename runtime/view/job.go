package view

import (
	"bytes"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
)

// SummarizeJob adds a plan to the summary of the job, where GitHub Actions gives a file for it. That the file cannot be
// written is told and fails nothing.
func (s *Screen) SummarizeJob(p *plan.Plan) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	var text bytes.Buffer
	err := review.Markdown(&text, p, render.Options{})
	if err == nil {
		err = appendTo(path, text.Bytes())
	}
	if err != nil {
		fmt.Fprintf(s.Err, "The summary of the job is left out: %v\n", err)
	}
}

// appendTo adds to the end of a file, which is made if need be: other steps of a job write into the same summary.
func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
