// Package container is the dataset whose table a command of the user's own image makes.
package container

import "github.com/mlp-lang/mlp/stdlib/dataset/foreign"

// Component is dataset "container".
var Component = foreign.Dataset.Container()
