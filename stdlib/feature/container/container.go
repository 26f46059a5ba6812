// Package container is the feature whose columns a command of the user's own image makes.
package container

import "github.com/mlp-lang/mlp/stdlib/feature/foreign"

// Component is feature "container".
var Component = foreign.Feature.Container()
