// Package source has the types of source, a folder each. Its tests hold them together, since they promise the same things.
package source
