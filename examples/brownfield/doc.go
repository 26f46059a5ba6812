// Package brownfield is a pipeline over a training script that was there before, and its figures.
package brownfield
