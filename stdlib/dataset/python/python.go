// Package python is the dataset whose table a script of the module makes.
package python

import "github.com/mlp-lang/mlp/stdlib/dataset/foreign"

// Component is dataset "python".
var Component = foreign.Dataset.Python()
