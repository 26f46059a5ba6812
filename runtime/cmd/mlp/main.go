// Command mlp plans and applies machine-learning pipelines written in .mlp files.
package main

// One static binary is the command line, the stage runner and the container of every built-in component.

/*
#cgo linux LDFLAGS: -static
*/
import "C"

import (
	"os"

	"github.com/mlp-lang/mlp/runtime/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
