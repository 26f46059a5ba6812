// Package python is a pipeline whose trainer is a scikit-learn script in an image of its own.
package python
