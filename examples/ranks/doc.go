// Package ranks is a pipeline whose trainer runs several times at once.
package ranks
