package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/view"
)

// flagError tells of a flag that there is none of, and which one was meant: one written with a single dash, as
// Terraform's are, another tool's, or a misspelt one. Other errors of flags (a value that is no number) keep cobra's
// text, without the name of the Go function that found them.
func flagError(c *cobra.Command, err error) error {
	said, _, _ := strings.Cut(err.Error(), ": strconv.")
	hint := "See '" + c.CommandPath() + " --help'."
	name := ""
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name = unknown.GetSpecifiedName()
		if shorts := unknown.GetSpecifiedShortnames(); shorts != "" {
			name = shorts
		}
	}
	name, value, valued := strings.Cut(strings.TrimLeft(name, "-"), "=")
	switch f := c.Flags().Lookup(name); {
	case name == "":
	case f != nil && len(name) > 1: // -target=x, read as -t -a -r …
		said = fmt.Sprintf("unknown flag: -%s", name)
		hint = "Flags have two dashes: --" + name
		if valued {
			hint += "=" + value
		}
		hint += "."
	case view.FlagInstead(name) != "":
		said, hint = fmt.Sprintf("there is no flag --%s", name), view.FlagInstead(name)
	default:
		said = fmt.Sprintf("there is no flag --%s", name)
		if near := nearFlag(c, name); near != "" {
			hint = "Did you mean --" + near + "? " + hint
		}
	}
	return &failure{err: errors.New(said), hint: hint}
}

// nearFlag is a flag of the command, or of all commands, whose name is nearly so; "" if none is near.
func nearFlag(c *cobra.Command, name string) string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return suggest.Near(name, names)
}
