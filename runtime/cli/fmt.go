package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/syntax"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "fmt [FILE...]", Short: "Give files the one canonical layout",
		Long: "Rewrites the .mlp and .mlpvars files of the folder, or those named; '-' formats standard input to standard output.\n" +
			"Comments are kept. A file with syntax errors is left as it is.",
		Example: "  mlp fmt\n  mlp fmt --check\n  mlp fmt - < pipeline.mlp",
		RunE:    func(_ *cobra.Command, args []string) error { return a.runFmt(args, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 and name the files that would change")
	return cmd
}

func (a *app) runFmt(names []string, check bool) error {
	if len(names) == 1 && names[0] == "-" {
		src, err := io.ReadAll(a.in)
		if err != nil {
			return err
		}
		out, diags := format.Format(src, "<stdin>")
		if diags.HasErrors() {
			return &diagnosed{diags, map[string][]byte{"<stdin>": src}}
		}
		_, err = a.out.Write(out)
		return err
	}
	if len(names) == 0 {
		files, diags := syntax.ReadDir(a.dir)
		if diags.HasErrors() {
			return &diagnosed{diags, files}
		}
		names = sortedKeys(files)
		values, err := filepath.Glob(filepath.Join(a.dir, "*"+syntax.ValuesExtension))
		if err != nil {
			return err
		}
		for _, path := range values {
			names = append(names, filepath.Base(path))
		}
	}
	changed, broken := 0, false
	for _, name := range names {
		did, err := a.fmtFile(name, check)
		if err != nil {
			a.report(err)
			broken = true
		}
		if did {
			changed++
		}
	}
	if broken || check && changed > 0 {
		return exitCode(exitError)
	}
	return nil
}

// fmtFile formats one file and names it if it changed.
func (a *app) fmtFile(name string, check bool) (changed bool, err error) {
	path := absolute(a.dir, name)
	src, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("%s cannot be read: %w", name, errors.Unwrap(err))
	}
	out, diags := format.Format(src, name)
	if diags.HasErrors() {
		return false, &diagnosed{diags, map[string][]byte{name: src}}
	}
	if bytes.Equal(src, out) {
		return false, nil
	}
	fmt.Fprintln(a.out, name)
	if check {
		return true, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, out, info.Mode().Perm()); err != nil {
		return false, err
	}
	return true, os.Rename(tmp, path)
}
