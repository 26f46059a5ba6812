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

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "mlp %s\n", workspace.Version())
			return err
		},
	}
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

// workerCommand runs one built-in stage after another for whoever started it: what executors start. The socket is file descriptor 3, or at a path.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run stages that are asked for over a socket", Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, socket []string) error {
			table.Keep(os.TempDir()) // a folder of this process, before stages set their own
			return exitCode(component.Work(cmd.Context(), strings.Join(socket, ""), stdlib.Component, table.Reset))
		},
	}
}
