// Package editors holds what editors need for .mlp files. It is tested here and has no code.
package editors
