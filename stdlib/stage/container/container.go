// Package container is the stage whose files a command of the user's own image makes.
package container

import "github.com/mlp-lang/mlp/stdlib/stage/foreign"

// Component is stage "container".
var Component = foreign.Stage.Container()
