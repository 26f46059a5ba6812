package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// DefaultValues is the file of values that is read without being named.
const DefaultValues = "default" + syntax.ValuesExtension

// environmentPrefix begins the environment's variables that give values.
const environmentPrefix = "MLP_VAR_"

// Settings are the values of variables given on the command line, in the order they were given: of two for one variable
// the later one counts.
type Settings []Setting

// Setting is one --var or --var-file.
type Setting struct {
	File bool
	// Value is "name=value", in which the value may have more of "=", or the path of a file of values: relative to the
	// folder of the process, not of the module.
	Value string // "name=value", or the path of a file
}

// Flag is the flag by which the setting was given, for a command that is to be copied.
func (s Setting) Flag() string {
	if s.File {
		return "--var-file"
	}
	return "--var"
}

// Told are the settings that may be shown: a sensitive variable's value is to be filled in by whoever copies the command.
func (s Settings) Told(sensitive []string) Settings {
	var out Settings
	for _, x := range s {
		if name, _, _ := strings.Cut(x.Value, "="); !x.File && slices.Contains(sensitive, name) {
			x.Value = name + "=…"
		}
		out = append(out, x)
	}
	return out
}

// values gathers what is given to variables, the weaker first: the environment, default.mlpvars, the command line in its
// order. The files are those of values by name, for what diagnostics show.
func (w *Workspace) values(given Settings) (out map[string]resolve.Given, files map[string][]byte, diags source.Diagnostics, err error) {
	out, files = map[string]resolve.Given{}, map[string][]byte{}
	for _, e := range os.Environ() {
		if name, text, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, environmentPrefix) {
			out[strings.TrimPrefix(name, environmentPrefix)] = resolve.Given{
				From: "the environment variable " + name, Text: text, Stray: true}
		}
	}
	if path := filepath.Join(w.Dir, DefaultValues); exists(path) {
		diags = append(diags, readValues(path, DefaultValues, out, files)...)
	}
	for _, s := range given {
		if s.File {
			diags = append(diags, readValues(s.Value, w.nameOf(s.Value), out, files)...)
			continue
		}
		name, text, ok := strings.Cut(s.Value, "=")
		if !ok || name == "" {
			return nil, nil, nil, &Failure{Err: errors.New("what --var is given is no name and value"), Hint: "Write --var name=value."}
		}
		out[name] = resolve.Given{From: "--var " + name, Text: text}
	}
	return out, files, diags, nil
}

// readValues reads a file of values into out, over what stands there, and its text into files under the name that
// diagnostics use. Of a file with mistakes those values are taken that syntax.ReadValues returns beside them: else each
// variable would be told as missing too.
func readValues(path, name string, out map[string]resolve.Given, files map[string][]byte) source.Diagnostics {
	attrs, text, diags := syntax.ReadValues(path, name)
	files[name] = text
	for _, v := range attrs {
		out[v.Name] = resolve.Given{From: name, Attr: v}
	}
	return diags
}

// nameOf is how diagnostics call a file given on the command line: relative to the module's folder where it lies inside.
func (w *Workspace) nameOf(path string) string {
	Absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(w.Dir, Absolute); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

// exists reports whether there is anything at a path, a dangling link included: to read through that is an error which
// is told, and not a file that is passed over.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
