// Package container is the evaluate whose figures a command of the user's own image makes.
package container

import "github.com/mlp-lang/mlp/stdlib/evaluate/foreign"

// Component is evaluate "container".
var Component = foreign.Evaluate.Container()
