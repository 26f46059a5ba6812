// Package python is the feature whose columns a script of the module makes.
package python

import "github.com/mlp-lang/mlp/stdlib/feature/foreign"

// Component is feature "python".
var Component = foreign.Feature.Python()
