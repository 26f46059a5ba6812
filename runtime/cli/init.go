package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

func (a *app) initCommand() *cobra.Command {
	var upgrade, container bool
	var from string
	var vars settings
	cmd := &cobra.Command{
		Use: "init", Short: "Pin what lies outside in mlp.lock, or begin a pipeline", Args: cobra.NoArgs,
		Long: "In a folder with .mlp files: fetches the modules that lie in git repositories, finds the columns of sources that declare\n" +
			"none, and which files sources have, and writes commits, columns and files to mlp.lock: so everybody plans with the same,\n" +
			"and also where the data is not. In a folder without: writes a small pipeline to start from; with --from one over the\n" +
			"figures that a training script writes. It is the only command that fetches modules.",
		Example: "  mlp -C pipelines/fraud init\n  mlp init --upgrade\n  mlp init --from .",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flag("from").Changed || container {
				return a.runFrom(from, container)
			}
			return a.runInit(cmd.Context(), vars, upgrade)
		},
	}
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "look again at what is pinned already")
	cmd.Flags().StringVar(&from, "from", ".", "begin with what is in this `folder`: a training script and the metrics.json that it writes")
	cmd.Flags().BoolVar(&container, "container", false, "with --from: also prepare the script to be run by mlp, with a Dockerfile if there is none")
	vars.flags(cmd)
	return cmd
}

// runFrom begins a pipeline, in a folder that has none, over what a team has already.
func (a *app) runFrom(from string, container bool) error {
	found, err := moduleFiles(a.dir)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return &failure{err: fmt.Errorf("%s is there already", filepath.Base(found[0])), hint: "--from begins a pipeline; give -C a folder that has none."}
	}
	return a.beginFrom(from, container)
}

func (a *app) runInit(ctx context.Context, vars settings, upgrade bool) error {
	found, err := moduleFiles(a.dir)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return a.begin()
	}
	old, err := readLock(a.dir)
	if err != nil && !upgrade {
		return err
	}
	if err != nil {
		old = newLock()
	}
	lock, before := old, map[string]dataVersion{}
	if upgrade {
		lock, before = newLock(), old.Versions
	}
	moved, err := a.pinModules(ctx, old, lock, upgrade)
	if err != nil {
		return err
	}
	s, err := a.openWith(ctx, vars, lock, false)
	if err != nil {
		return err
	}
	defer s.Close()
	other, err := s.pinVersions(ctx, before)
	if err != nil {
		return err
	}
	changed, err := lock.write(a.dir)
	if err != nil {
		return err
	}
	switch {
	case changed || moved:
		fmt.Fprintf(a.out, "Wrote %s: %s. Commit it.\n", lockName, pinned(lock))
		slices.Sort(s.lib.unpinned)
		for _, address := range s.lib.unpinned {
			if found := guessed(s.lib, address); found != "" {
				fmt.Fprintln(a.out, render.Clean([]string{address + " guessed from its files: " + found})[0])
			}
		}
	case len(other) == 0:
		fmt.Fprintf(a.out, "%s is up to date.\n", lockName)
	}
	if len(other) > 0 {
		fmt.Fprintf(a.out, "The files of %s are not those that %s pins: 'mlp init --upgrade' pins those that are here.\n", strings.Join(other, ", "), lockName)
	}
	return nil
}

// pinModules fetches what is called from repositories, and pins that in mlp.lock at once: it takes the modules to find
// what else is wrong. It returns whether pins changed.
func (a *app) pinModules(ctx context.Context, old, lock *lockFile, upgrade bool) (bool, error) {
	ctx, _, release := interrupts(ctx)
	defer release()
	pins, err := a.fetchModules(ctx, old, upgrade)
	if err != nil {
		return false, err
	}
	now, moved := *old, !maps.Equal(pins, old.Modules)
	now.Modules, lock.Modules = pins, pins
	if moved {
		_, err = now.write(a.dir)
	}
	return moved, err
}

// guessed lists the columns that were found in the files of a source, with the types that their values have. Names that may
// not be told are left out.
func guessed(l *library, address string) string {
	const most = 20
	columns := slices.DeleteFunc(slices.Clone(l.lock.Schemas[address]), func(c schema.Column) bool { return l.withheld[c.Name] })
	var named []string
	for _, c := range columns[:min(len(columns), most)] {
		named = append(named, c.Name+" "+c.Type)
	}
	if more := len(columns) - most; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	return strings.Join(named, ", ")
}

func pinned(l *lockFile) string {
	var parts []string
	if len(l.Schemas) > 0 {
		parts = append(parts, "the columns of "+strings.Join(sortedKeys(l.Schemas), ", "))
	}
	if len(l.Versions) > 0 {
		parts = append(parts, "the data of "+strings.Join(sortedKeys(l.Versions), ", "))
	}
	if len(l.Modules) > 0 {
		parts = append(parts, "the commits of "+strings.Join(sortedKeys(l.Modules), ", "))
	}
	if len(parts) == 0 {
		return "nothing needs a pin"
	}
	return strings.Join(parts, "; ")
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

// moduleFiles are the .mlp files of a folder. The store's folder, .mlp, is none.
func moduleFiles(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*.mlp"))
	return slices.DeleteFunc(all, func(path string) bool { return filepath.Base(path) == storeName }), err
}

// pipelineName makes a name of a folder's.
func pipelineName(dir string) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(filepath.Base(dir)))
	if name[0] < 'a' || name[0] > 'z' {
		name = "p" + name
	}
	return name
}

func (a *app) begin() error {
	path := filepath.Join(a.dir, "pipeline.mlp")
	if err := os.WriteFile(path, []byte(strings.Replace(starter, "NAME", pipelineName(a.dir), 1)), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "Wrote pipeline.mlp. Next: say where your data is, then 'mlp validate'.")
	return nil
}
