package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// versionCommand prints the version on one line, "mlp 1.4.0", or "mlp devel" of a build without one.
func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "mlp %s\n", workspace.Version())
			return err
		},
	}
}

// stageCommand is the inner half of the stage protocol: what runs in the container of a built-in component. It is
// hidden; root is the folder whose layout spec/protocol.md gives. The stage's own exit code is that of the process.
func (a *app) stageCommand() *cobra.Command {
	root, threads := "", 0
	cmd := &cobra.Command{
		Use: "stage", Short: "Run one stage under the stage protocol", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code := component.RunStage(cmd.Context(), workspace.StageComponent, root, threads, a.out)
			return exitCode(code)
		},
	}
	cmd.Flags().StringVar(&root, "root", "/mlp", "the protocol's root `folder`")
	cmd.Flags().IntVar(&threads, "threads", 0, "how many threads to use; 0: all")
	return cmd
}

// workerCommand runs one built-in stage after another for whoever started it, which are the executors. The socket is
// file descriptor 3, or at the path given.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run stages that are asked for over a socket", Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, socket []string) error {
			table.Keep(os.TempDir()) // a folder of this process, before stages set their own
			return exitCode(component.Work(cmd.Context(), strings.Join(socket, ""), stdlib.Component, table.Reset))
		},
	}
}
