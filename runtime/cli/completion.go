package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// formatsOf are the values of each command's --format, by the command's own name ("verify" is that of 'mlp store
// verify'). The help of each flag lists the same; checkChoices refuses any other.
var formatsOf = map[string][]string{
	"plan": {"text", "markdown", "json", "html"}, "show": {"text", "markdown", "json", "html"}, "diff": {"text", "markdown", "json"}, "report": {"text", "markdown", "html", "json"}, "query": {"text", "markdown", "csv", "json", "parquet"}, "runs": {"text", "markdown", "html", "csv", "json"}, "compare": {"text", "markdown", "html", "csv", "json"}, "verify": {"text", "json"}, "check": {"text", "json"}, "du": {"text", "json"}, "repair": {"text", "json"}, "list": {"text", "json"},
	"graph": {"text", "dot", "mermaid", "svg"}, "validate": {"text", "json", "sarif"}, "test": {"text", "json", "junit"}, "logs": {"text", "json", "junit", "sarif"}, "history": {"text", "json"}, "gc": {"text", "json"}, "docs": {"markdown", "html"},
}

// checkChoices refuses words that a flag does not take, of those flags that take one of a few. Commands may index by
// such values without looking again: formats[f.format] in plan.go is never nil.
func checkChoices(c *cobra.Command) error {
	for flag, words := range map[string][]string{"format": formatsOf[c.Name()], "executor": executorsOf(c), "log-format": {"text", "json"}} {
		if f := c.Flag(flag); f != nil && len(words) > 0 && !slices.Contains(words, f.Value.String()) {
			last := len(words) - 1
			return &failure{err: fmt.Errorf("--%s %s is not known", flag, f.Value), hint: "Use " + strings.Join(words[:last], ", ") + " or " + words[last] + "."}
		}
	}
	return nil
}

// executorsOf are the values of a command's --executor. What has no store in a bucket runs on no cluster.
func executorsOf(c *cobra.Command) []string {
	words := []string{"docker", "process", "auto"}
	if c.Name() == "apply" || c.Name() == "run" {
		words = append(words, "kubernetes")
	}
	return words
}

// checkExclusive refuses flags beside each other that a command marks as exclusive (cobra's own words for it speak of groups).
func checkExclusive(c *cobra.Command) error {
	given := map[string][]string{} // by group
	c.Flags().Visit(func(f *pflag.Flag) {
		for _, group := range f.Annotations["cobra_annotation_mutually_exclusive"] {
			given[group] = append(given[group], "--"+f.Name)
		}
	})
	for _, group := range slices.Sorted(maps.Keys(given)) {
		if two := given[group]; len(two) > 1 {
			return &failure{err: fmt.Errorf("%s exclude each other", strings.Join(two, " and ")), hint: "Give one of them; '" + c.CommandPath() + " --help' tells what each is for."}
		}
	}
	return nil
}

// unread refuses flags that say nothing of what a command was asked for, such as --save of 'mlp show requirements'. of
// names that in the error. A flag that is quietly passed over lets people believe that it did something.
func unread(c *cobra.Command, of string, flags ...string) error {
	for _, name := range flags {
		if c.Flags().Changed(name) {
			return &failure{err: fmt.Errorf("--%s says nothing of %s", name, of), hint: "Leave it out; " + c.CommandPath() + " --help tells what it is for."}
		}
	}
	return nil
}

// complete teaches commands what a shell may put for their arguments and flags: addresses of the module, kinds, codes.
// The scripts themselves ('mlp completion bash') are cobra's. Where nothing is registered shells offer names of files.
func (a *app) complete(root *cobra.Command) {
	all := root.Commands()
	for i := 0; i < len(all); i++ { // with the commands below commands, mlp store verify
		c := all[i]
		all = append(all, c.Commands()...)
		if list := formatsOf[c.Name()]; list != nil {
			fixed(c, "format", list...)
		}
		fixed(c, "log-format", "text", "json")
		fixed(c, "executor", executorsOf(c)...)
		for _, flag := range []string{"force", "focus", "target", "to"} {
			if c.Flag(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, a.addressArgument()) // fails only for flags that there are not
			}
		}
		switch c.Name() {
		case "show", "report", "runs", "compare", "logs", "history", "rollback", "promote", "pause", "resume", "abort", "bundle", "c99":
			c.ValidArgsFunction = a.addressArgument()
		case "run", "mlflow", "monitor":
			c.ValidArgsFunction = a.addressArguments
		case "explain":
			c.ValidArgsFunction = a.addressArgument(workspace.CodeNames()...)
		case "approve":
			c.ValidArgsFunction = a.gateArgument
		case "docs":
			c.ValidArgsFunction = cobra.FixedCompletions(workspace.KindNames(), cobra.ShellCompDirectiveNoFileComp)
		case "apply": // the file of a plan
			c.ValidArgsFunction = cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt)
		case "init", "plan", "validate", "graph", "gc", "serve", "version", "lsp", "query":
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

// fixed completes a flag of the command by these values; a command without such a flag is left as it is.
func fixed(c *cobra.Command, flag string, values ...string) {
	if c.Flag(flag) != nil {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// addressArgument completes the first argument by the addresses of the module's blocks and by more, words that may
// stand in their place; for the value of a flag as well, since args are the arguments before it.
func (a *app) addressArgument(more ...string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return append(a.addresses(), more...), cobra.ShellCompDirectiveNoFileComp
	}
}

// addressArguments completes every argument by addresses.
func (a *app) addressArguments(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return a.addresses(), cobra.ShellCompDirectiveNoFileComp
}

// gateArgument completes the gate of 'mlp approve'. The approval behind it is not completed: which ones a gate waits
// for is in the store, and a key press should not open that.
func (a *app) gateArgument(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	gates := slices.DeleteFunc(a.addresses(), func(address string) bool { return !strings.HasPrefix(address, "gate.") })
	return gates, cobra.ShellCompDirectiveNoFileComp
}

// addresses are those of the blocks that stand in the files. No PersistentPreRunE runs for completions, so the folder is entered here; a
// folder that cannot be entered has none.
func (a *app) addresses() []string {
	if a.Enter(a.allowed) != nil {
		return nil
	}
	return a.Addresses()
}
