// Package python is the evaluate whose figures a script of the module makes.
package python

import "github.com/mlp-lang/mlp/stdlib/evaluate/foreign"

// Component is evaluate "python".
var Component = foreign.Evaluate.Python()
