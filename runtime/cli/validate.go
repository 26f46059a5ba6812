package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib"
)

func (a *app) validateCommand() *cobra.Command {
	var vars []string
	cmd := &cobra.Command{
		Use: "validate", Short: "Find mistakes, before anything runs", Args: cobra.NoArgs,
		Long: "Reads the module and checks all of it: blocks, references, types of tables across blocks, SQL, rules. All mistakes are\n" +
			"told, in the order of the files. Nothing runs and nothing is written.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, lib, err := a.module(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer lib.Close()
			a.diagnostics(lib.warnings, m.Files)
			fmt.Fprintf(a.out, "%s is valid: %d blocks in %d files.\n", m.Pipeline.Name, len(m.Blocks), len(m.Files))
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&vars, "var", nil, "set a variable: `name=value` (may be repeated)")
	return cmd
}

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "fmt [FILE...]", Short: "Give files the one canonical layout",
		Long: "Rewrites the .mlp files of the folder, or those named; '-' formats standard input to standard output. Comments are kept.\n" +
			"A file with syntax errors is left as it is.",
		RunE: func(_ *cobra.Command, args []string) error { return a.runFmt(args, check) },
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
		for _, name := range sortedKeys(files) {
			names = append(names, name)
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
		return false, err
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

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "mlp %s\n", version())
			return err
		},
	}
}

// version is that of the module or of the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		return "devel"
	}
	return v
}

// stageCommand is the inner half of the stage protocol: what runs in the container of a built-in component.
func (a *app) stageCommand() *cobra.Command {
	root, threads := "", 0
	cmd := &cobra.Command{
		Use: "stage", Short: "Run one stage under the stage protocol", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code := component.RunStage(cmd.Context(), stdlib.Component, root, threads, a.out)
			return exitCode(code)
		},
	}
	cmd.Flags().StringVar(&root, "root", "/mlp", "the protocol's root `folder`")
	cmd.Flags().IntVar(&threads, "threads", 0, "how many threads to use; 0: all")
	return cmd
}

func (a *app) initCommand() *cobra.Command {
	var upgrade bool
	var vars []string
	cmd := &cobra.Command{
		Use: "init", Short: "Pin what lies outside in mlp.lock, or begin a pipeline", Args: cobra.NoArgs,
		Long: "In a folder with .mlp files: finds the columns of sources that declare none and writes them to mlp.lock, so that everybody\n" +
			"plans with the same schema. In a folder without: writes a small pipeline to start from.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd.Context(), vars, upgrade) },
	}
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "look again at what is pinned already")
	cmd.Flags().StringArrayVar(&vars, "var", nil, "set a variable: `name=value` (may be repeated)")
	return cmd
}

func (a *app) runInit(ctx context.Context, vars []string, upgrade bool) error {
	found, err := filepath.Glob(filepath.Join(a.dir, "*.mlp"))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return a.begin()
	}
	if upgrade {
		if err := os.Remove(filepath.Join(a.dir, lockName)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	_, lib, err := a.module(ctx, vars)
	if err != nil {
		return err
	}
	defer lib.Close()
	changed, err := lib.lock.write(a.dir)
	if err != nil {
		return err
	}
	if !changed {
		fmt.Fprintf(a.out, "%s is up to date.\n", lockName)
		return nil
	}
	fmt.Fprintf(a.out, "Wrote %s: %s. Commit it.\n", lockName, pinned(lib.lock))
	return nil
}

func pinned(l *lockFile) string {
	if len(l.Schemas) == 0 {
		return "nothing needs a pin"
	}
	return "the columns of " + strings.Join(sortedKeys(l.Schemas), ", ")
}

// starter is what a new pipeline begins with; it validates, and says what to do next.
const starter = `# A pipeline to start from. 'mlp validate' checks it, 'mlp plan' shows what it would do, 'mlp apply' does it.

pipeline "NAME" {
  description = "What it is for."
}

# Uncomment, and point it at your data:
#
# source "csv" "data" {
#   path = "data/*.csv"
# }
#
# dataset "data" {
#   from = [source.data]
#   sql  = "select * from data"
# }
`

func (a *app) begin() error {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(filepath.Base(a.dir)))
	if name[0] < 'a' || name[0] > 'z' {
		name = "p" + name
	}
	path := filepath.Join(a.dir, "pipeline.mlp")
	if err := os.WriteFile(path, []byte(strings.Replace(starter, "NAME", name, 1)), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "Wrote pipeline.mlp. Next: say where your data is, then 'mlp validate'.")
	return nil
}
