package cli

import (
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// settingsFlags adds --var and --var-file to a command that reads a module.
func settingsFlags(cmd *cobra.Command, s *workspace.Settings) {
	cmd.Flags().Var(&settingFlag{to: s}, "var", "set a variable: `name=value` (may be repeated)")
	cmd.Flags().Var(&settingFlag{to: s, file: true}, "var-file", "set variables from this `file` (may be repeated); "+workspace.DefaultValues+" is read by itself")
}

// settingFlag is one of the two flags that fill the same list: the later wins, whether a value or a file, so their
// order on the command line has to be kept. pflag's own lists would keep two.
type settingFlag struct {
	to   *workspace.Settings
	file bool
}

// String is the default in the help, of which there is none.
func (f *settingFlag) String() string { return "" }
func (f *settingFlag) Type() string   { return "string" }

func (f *settingFlag) Set(value string) error {
	*f.to = append(*f.to, workspace.Setting{File: f.file, Value: value})
	return nil
}
