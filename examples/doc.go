// Package examples has pipelines to start from, a folder each. Its tests hold their data to the scripts that make it.
package examples
