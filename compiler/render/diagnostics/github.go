package diagnostics

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/source"
)

// WorkflowCommand is a diagnostic as a workflow command, by which GitHub Actions shows it at its lines of the pull request: a line
// without its end. Place gives a file's path from the root of the repository. Summary, detail and hint are one text, a line each;
// the code is the title.
func WorkflowCommand(d source.Diagnostic, place func(string) string) string {
	level, text := "error", d.Summary
	if d.Severity == source.Warning {
		level = "warning"
	}
	for _, more := range []string{d.Detail, d.Hint} {
		if more != "" {
			text += "\n" + more
		}
	}
	return workflowCommand(level, place(d.Subject.File), d.Subject, d.Code, source.Masked(text))
}

// workflowCommand is one workflow command. What users wrote can neither end it nor begin another: the characters that
// part its fields are escaped as the runner of GitHub Actions takes them back
// (https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts).
func workflowCommand(level, file string, at source.Range, title, text string) string {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+propertyEscapes.Replace(value)) }
	if file != "" {
		add("file", file)
		add("line", fmt.Sprint(at.Start.Line))
		add("endLine", fmt.Sprint(at.End.Line))
		if at.Start.Line == at.End.Line { // columns are refused for more than one line
			add("col", fmt.Sprint(at.Start.Column))
			add("endColumn", fmt.Sprint(at.End.Column))
		}
	}
	if title != "" {
		add("title", title)
	}
	head := "::" + level
	if len(properties) > 0 {
		head += " " + strings.Join(properties, ",")
	}
	return head + "::" + textEscapes.Replace(strings.Join(render.Clean(strings.Split(text, "\n")), "\n"))
}

// What is escaped: the text must stay one line, and of a property's value neither the colon that ends its name's list nor the comma
// that parts properties may be left. The percent sign comes first, so that what is written as %0A is read back as written.
var (
	textEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
