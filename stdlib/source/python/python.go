// Package python is the source whose rows a script of the module makes.
package python

import "github.com/mlp-lang/mlp/stdlib/source/foreign"

// Component is source "python".
var Component = foreign.Source.Python()
