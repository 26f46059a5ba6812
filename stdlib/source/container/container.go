// Package container is the source whose rows a command of the user's own image makes.
package container

import "github.com/mlp-lang/mlp/stdlib/source/foreign"

// Component is source "container".
var Component = foreign.Source.Container()
