// Package split has the types of split, a folder each. Its tests hold them together, since they promise the same things.
package split
