package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// defaultValues is the file of values that is read without being named.
const defaultValues = "default" + syntax.ValuesExtension

// environmentPrefix begins the environment's variables that give values.
const environmentPrefix = "MLP_VAR_"

// settings are the values of variables given on the command line, in the order they were given: of two for one variable
// the later one counts.
type settings []setting

type setting struct {
	file  bool
	value string // "name=value", or the path of a file
}

func (s setting) flag() string {
	if s.file {
		return "--var-file"
	}
	return "--var"
}

// told are the settings that may be shown: a sensitive variable's value is to be filled in by whoever copies the command.
func (s settings) told(sensitive []string) settings {
	var out settings
	for _, x := range s {
		if name, _, _ := strings.Cut(x.value, "="); !x.file && slices.Contains(sensitive, name) {
			x.value = name + "=…"
		}
		out = append(out, x)
	}
	return out
}

// flags adds --var and --var-file to a command that reads a module.
func (s *settings) flags(cmd *cobra.Command) {
	cmd.Flags().Var(&settingFlag{to: s}, "var", "set a variable: `name=value` (may be repeated)")
	cmd.Flags().Var(&settingFlag{to: s, file: true}, "var-file", "set variables from this `file` (may be repeated); "+defaultValues+" is read by itself")
}

// settingFlag is one of the two flags that fill the same list.
type settingFlag struct {
	to   *settings
	file bool
}

func (f *settingFlag) String() string { return "" }
func (f *settingFlag) Type() string   { return "string" }

func (f *settingFlag) Set(value string) error {
	*f.to = append(*f.to, setting{file: f.file, value: value})
	return nil
}

// values gathers what is given to variables, the weaker first: the environment, default.mlpvars, the command line in its
// order. The files are those of values by name, for what diagnostics show.
func (a *app) values(given settings) (out map[string]resolve.Given, files map[string][]byte, diags source.Diagnostics, err error) {
	out, files = map[string]resolve.Given{}, map[string][]byte{}
	for _, e := range os.Environ() {
		if name, text, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, environmentPrefix) {
			out[strings.TrimPrefix(name, environmentPrefix)] = resolve.Given{
				From: "the environment variable " + name, Text: text, Stray: true}
		}
	}
	if path := filepath.Join(a.dir, defaultValues); exists(path) {
		diags = append(diags, readValues(path, defaultValues, out, files)...)
	}
	for _, s := range given {
		if s.file {
			diags = append(diags, readValues(s.value, a.nameOf(s.value), out, files)...)
			continue
		}
		name, text, ok := strings.Cut(s.value, "=")
		if !ok || name == "" {
			return nil, nil, nil, &failure{err: errors.New("what --var is given is no name and value"), hint: "Write --var name=value."}
		}
		out[name] = resolve.Given{From: "--var " + name, Text: text}
	}
	return out, files, diags, nil
}

func readValues(path, name string, out map[string]resolve.Given, files map[string][]byte) source.Diagnostics {
	attrs, text, diags := syntax.ReadValues(path, name)
	files[name] = text
	for _, v := range attrs {
		out[v.Name] = resolve.Given{From: name, Attr: v}
	}
	return diags
}

// nameOf is how diagnostics call a file given on the command line: relative to the module's folder where it lies inside.
func (a *app) nameOf(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(a.dir, absolute); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
