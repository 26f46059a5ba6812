// Package front is the one way from text to a checked module: parsed by lang/syntax, names resolved by compiler/resolve,
// typed by compiler/check. It reads no files and knows no component: texts, values of variables and the library are handed
// in, and all mistakes are handed back.
package front

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Library is what the compiler needs of the components.
type Library interface {
	check.Library
	// Resolved is called once, before all other methods, with the module whose blocks they are asked about. It is the place
	// to note in which folder each block stands.
	Resolved(*resolve.Module)
}

// Options are what a text is compiled with. Only Library is required.
type Options struct {
	resolve.Options
	Library Library
	// Values are the texts of files of values by name, such as "default.mlpvars", for diagnostics to show. What their
	// variables are given stands in Variables.
	Values map[string][]byte
	// Diagnostics are what was found before, in the files of values for instance. They count as those found here.
	Diagnostics source.Diagnostics
	// Editing compiles as far as it gets, for a text that is being written: an error does not end it, and variables need no
	// value, since they are given one where the pipeline runs.
	Editing bool
}

// Texts are those of a module and of the files of values, with what may be sensitive masked, for diagnostics of a module
// that is not resolved.
func (o *Options) Texts(parsed *syntax.Module) map[string][]byte {
	out := maps.Clone(o.Values)
	HideValues(parsed, out)
	maps.Copy(out, parsed.Files)
	return out
}

// Result is what came of a text.
type Result struct {
	// Module is what can be planned if Diagnostics has no errors. It is nil where the text could not be resolved, unless
	// Editing.
	Module   *check.Module
	Resolved *resolve.Module
	// Files are all texts by name, also of modules that are called, for diagnostics to show. Sensitive values in them are
	// masked.
	Files       map[string][]byte
	Diagnostics source.Diagnostics // sorted, but for Editing
}

// Compile compiles the texts of a module's own files, by name ("main.mlp"). It never returns nil. Diagnostics of the syntax stand in the
// result beside those of names and types, as far as compiling went.
func Compile(ctx context.Context, files map[string][]byte, catalog *schema.Catalog, o Options) *Result {
	parsed, diags := syntax.Parse(files, catalog)
	o.Diagnostics = append(slices.Clip(o.Diagnostics), diags...)
	return Check(ctx, parsed, o)
}

// Check compiles a module that is parsed. With errors in names or values, and unless Editing, types are not looked at: what would be
// found may follow from those.
func Check(ctx context.Context, parsed *syntax.Module, o Options) *Result {
	values := maps.Clone(o.Values)
	HideValues(parsed, values)
	resolved, diags := resolve.Resolve(parsed, o.Options)
	if o.Editing {
		diags = slices.DeleteFunc(diags, lacksValue)
	}
	diags = append(slices.Clip(o.Diagnostics), diags...)
	for name, text := range values {
		if resolved.Files[name] == nil {
			resolved.Files[name] = text
		}
	}
	resolved.Files = source.Hide(resolved.Files, resolved.Hidden)
	r := &Result{Resolved: resolved, Files: resolved.Files, Diagnostics: diags}
	if diags.HasErrors() && !o.Editing {
		r.Diagnostics = diags.Sort()
		return r
	}
	o.Library.Resolved(resolved)
	m, more := check.Check(ctx, resolved, o.Library)
	r.Module = m
	switch {
	case !o.Editing:
		r.Diagnostics = append(diags, more...).Sort()
	case !diags.HasErrors(): // else these may follow from those
		r.Diagnostics = append(diags, more...)
	}
	return r
}

// lacksValue reports whether a diagnostic says that a variable has no value.
func lacksValue(d source.Diagnostic) bool {
	return d.Code == source.CodeVariableValue && strings.HasSuffix(d.Summary, "has no value")
}

// Error is returned as an error by callers whose module has mistakes, with all that it takes to show them.
type Error struct {
	Diagnostics source.Diagnostics
	Files       map[string][]byte // that Diagnostics are about, for showing them
}

func (e *Error) Error() string { return "the module has errors" }
