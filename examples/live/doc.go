// Package live_test tells what becomes of a model once it is live, on data that comes day by day.
package live_test
