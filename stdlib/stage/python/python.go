// Package python is the stage whose files a script of the module makes.
package python

import "github.com/mlp-lang/mlp/stdlib/stage/foreign"

// Component is stage "python".
var Component = foreign.Stage.Python()
