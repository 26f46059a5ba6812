package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// formatted are the extensions of the files that 'mlp fmt' finds in a folder.
func formatted() []string {
	return []string{syntax.Extension, syntax.ValuesExtension, syntax.TestExtension}
}

// filesAtOnce bounds how many files are held in memory.
const filesAtOnce = 64

// fmtOptions are the flags of 'mlp fmt'. With either nothing is written.
type fmtOptions struct {
	check, diff bool
}

func (a *app) fmtCommand() *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use: "fmt [FILE|DIR...]", Short: "Give files the one canonical layout",
		Long: "Rewrites the .mlp, .mlpvars and .mlptest files of the folder, or those named, and names those that changed; '-' formats\n" +
			"standard input to standard output. Comments are kept. Of a file with syntax errors the blocks without errors are laid\n" +
			"out; the rest stays as it is, the errors are told, and the exit code is 1.",
		Example: "  mlp fmt\n  mlp fmt --check\n  mlp fmt --diff\n  mlp fmt - < pipeline.mlp",
		RunE:    func(_ *cobra.Command, args []string) error { return a.runFmt(args, o) },
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "change nothing; exit with 1 and name the files that would change")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "change nothing; show what would change")
	return cmd
}

func (a *app) runFmt(args []string, o fmtOptions) error {
	if slices.Equal(args, []string{"-"}) {
		return a.fmtInput(o)
	}
	names, err := a.filesToFormat(args)
	if err != nil {
		return err
	}
	changed, broken := false, false
	for batch := range slices.Chunk(names, filesAtOnce) {
		for i, f := range a.layOut(batch) {
			did, err := a.fmtFile(batch[i], f, o)
			if err != nil {
				a.report(err)
				broken = true
			}
			changed = changed || did
		}
	}
	if broken || o.check && changed {
		return exitCode(exitError)
	}
	return nil
}

// filesToFormat returns the files named and those of the folders named; of the current folder if none is.
func (a *app) filesToFormat(args []string) ([]string, error) {
	if len(args) == 0 {
		return a.filesOf("")
	}
	var names []string
	for _, arg := range args {
		if arg == "-" {
			return nil, &failure{err: errors.New("standard input cannot be formatted along with files"), hint: "Run 'mlp fmt -' on its own."}
		}
		if info, err := os.Stat(workspace.Absolute(a.Dir, arg)); err != nil || !info.IsDir() {
			names = append(names, arg)
			continue
		}
		inside, err := a.filesOf(arg)
		if err != nil {
			return nil, err
		}
		names = append(names, inside...)
	}
	return names, nil
}

// filesOf returns the files of a folder that have a layout, by name.
func (a *app) filesOf(folder string) ([]string, error) {
	entries, err := os.ReadDir(workspace.Absolute(a.Dir, folder))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") && slices.Contains(formatted(), filepath.Ext(name)) {
			names = append(names, filepath.Join(folder, name))
		}
	}
	if len(names) == 0 {
		return nil, &failure{err: fmt.Errorf("there is no %s file in %s", syntax.Extension, filepath.Join(a.Given, folder)), hint: "Name a file or a folder: mlp fmt DIR"}
	}
	return names, nil
}

// fmtInput formats standard input to standard output.
func (a *app) fmtInput(o fmtOptions) error {
	const name = "<stdin>"
	src, err := io.ReadAll(io.LimitReader(a.in, syntax.MaxFileSize+1))
	if err != nil {
		return err
	}
	out, diags := format.Format(src, name)
	switch changed := !bytes.Equal(src, out); {
	case o.diff && changed:
		err = a.showDiff(name, src, out)
	case !o.diff && !o.check:
		_, err = a.out.Write(out)
	}
	switch {
	case err != nil:
		return err
	case diags.HasErrors():
		return unformatted(diags, name, src)
	case o.check && !bytes.Equal(src, out):
		return exitCode(exitError)
	}
	return nil
}

// laidOut is a file as it is and as it should be; out is nil where it cannot be read.
type laidOut struct {
	src, out []byte
	diags    source.Diagnostics
}

// layOut reads and formats files side by side.
func (a *app) layOut(names []string) []laidOut {
	out := make([]laidOut, len(names))
	parallel.Range(len(names), 1, func(i int) {
		f := &out[i]
		if f.src, f.diags = syntax.ReadFile(workspace.Absolute(a.Dir, names[i]), names[i]); !f.diags.HasErrors() {
			f.out, f.diags = format.Format(f.src, names[i])
		}
	})
	return out
}

// fmtFile writes one file and names it if it changed. Errors are told of the text that is in the file then.
func (a *app) fmtFile(name string, f laidOut, o fmtOptions) (changed bool, err error) {
	path, src, out, diags := workspace.Absolute(a.Dir, name), f.src, f.out, f.diags
	if out == nil && diags.HasErrors() {
		return false, unformatted(diags, name, src)
	}
	changed = !bytes.Equal(src, out)
	switch {
	case changed && o.diff:
		err = a.showDiff(name, src, out)
	case changed && o.check:
		fmt.Fprintln(a.out, name)
	case changed:
		if err = replaceFile(path, out); err == nil {
			fmt.Fprintln(a.out, name)
			src = out
			_, diags = format.Format(out, name)
		}
	}
	if err == nil && diags.HasErrors() {
		err = unformatted(diags, name, src)
	}
	return changed, err
}

// unformatted tells what is wrong with a file. Values are not shown: it is not known here which are sensitive.
func unformatted(diags source.Diagnostics, name string, src []byte) error {
	if filepath.Ext(name) == syntax.ValuesExtension {
		src = front.HideValuesOf(name, src, nil)
	}
	return &front.Error{Diagnostics: diags, Files: map[string][]byte{name: src}}
}

// showDiff prints what would change in the unified form.
func (a *app) showDiff(name string, src, out []byte) error {
	_, text, _ := bytes.Cut(diff.Diff(name, src, name+" (formatted)", out), []byte("\n")) // its first line is a command
	if a.color(a.out) {
		text = paintDiff(text)
	}
	_, err := a.out.Write(text)
	return err
}

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

// replaceFile writes a file whole or not at all. Of a link it writes what that leads to; permissions stay.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
