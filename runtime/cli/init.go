package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) initCommand() *cobra.Command {
	var upgrade bool
	var vars settings
	cmd := &cobra.Command{
		Use: "init", Short: "Pin what lies outside in mlp.lock, or begin a pipeline", Args: cobra.NoArgs,
		Long: "In a folder with .mlp files: finds the columns of sources that declare none and writes them to mlp.lock, so that everybody\n" +
			"plans with the same schema. In a folder without: writes a small pipeline to start from.",
		Example: "  mlp -C pipelines/fraud init\n  mlp init --upgrade",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd.Context(), vars, upgrade) },
	}
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "look again at what is pinned already")
	vars.flags(cmd)
	return cmd
}

func (a *app) runInit(ctx context.Context, vars settings, upgrade bool) error {
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
