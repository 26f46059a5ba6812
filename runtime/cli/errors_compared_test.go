package cli

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/stdlib/table"
)

// comparedHead and comparedTail stand around the table of spec/errors-compared.md.
const (
	comparedHead = `# Mistakes, and what is said of them

The mistakes that users of Terraform make, made in OpenTofu 1.10.6 and here. OpenTofu's messages are those of "tofu validate", or of "tofu plan"
where that finds nothing, for [these files](../runtime/cli/testdata/opentofu.txtar). Terraform 1.11.4 says the same in the same words, but for
the suggestion in 2021 ("log"). The messages of "mlp validate" are those of the cases of that number in [conformance](conformance/README.md);
summary, detail, hint and further places are parted by dashes. Both tools show the file, the line and its text. OpenTofu also names the block
that the line stands in; here the summary does, where it is not about syntax.

| | mistake | OpenTofu | mlp |
|---|---|---|---|
`
	comparedTail = `
What is not the same on both sides: 2003, since OpenTofu takes "0.2" for a number without a word; 2016, where each uses the other's word; 2017,
since OpenTofu has "count", and is given a string for it. 2009, an interpolation alone, is no mistake in either. Messages about syntax are
HCL's in both; here they have hints.
`
)

// TestErrorCodesCompared writes what both say of the same mistakes. A mistake of users of Terraform has a case on both sides.
func TestErrorCodesCompared(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/opentofu.txtar")
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]string{}
	for _, f := range archive.Files {
		theirs[f.Name] = strings.TrimSpace(string(f.Data))
	}
	binder := table.NewBinder(nil)
	defer binder.Close()
	var page strings.Builder
	page.WriteString(comparedHead)
	for _, c := range conformanceCases(t) {
		number, _, _ := strings.Cut(c.name, "_")
		if c.mistake == "" || len(c.want) == 0 {
			continue
		}
		if theirs[number+".txt"] == "" || theirs[number+".tf"] == "" {
			t.Errorf("testdata/opentofu.txtar has nothing for %s", c.name)
		}
		var ours []string
		for _, d := range c.diagnose(t, binder) {
			parts := []string{d.Summary}
			if d.Detail != "" {
				parts = append(parts, d.Detail)
			}
			if d.Hint != "" {
				parts = append(parts, "*"+d.Hint+"*")
			}
			for _, r := range d.Related {
				parts = append(parts, fmt.Sprintf("%s:%d:%d: %s", r.Range.File, r.Range.Start.Line, r.Range.Start.Column, r.Message))
			}
			ours = append(ours, strings.Join(parts, " — "))
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", number, c.mistake, cell(theirs[number+".txt"]), cell(strings.Join(ours, "\n")))
	}
	page.WriteString(comparedTail)
	golden(t, "../../spec/errors-compared.md", page.String())
}

// cell is text for a table in Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", "<br>", "<<", "&lt;&lt;").Replace(text)
}
