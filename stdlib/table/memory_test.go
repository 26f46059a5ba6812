package table

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutOfMemoryNamesTheBlocksLimit: a query that needs more memory than it may have is told in words that its author can follow.
func TestOutOfMemoryNamesTheBlocksLimit(t *testing.T) {
	t.Setenv("MLP_MEMORY_MB", "80") // of which the engine takes 64 MB at least
	_, err := Run(t.Context(), Query{SQL: "select list(i) as x from range(100000000) r(i)", Out: filepath.Join(t.TempDir(), "out.parquet")})
	var e *Error
	if !errors.As(err, &e) || e.Kind != "Out of Memory" || !strings.Contains(e.Message, "memory_mb") || !strings.Contains(e.Message, "64 MB") ||
		strings.Contains(strings.ToLower(e.Message), "memory_limit") || strings.Contains(e.Message, "threads") {
		t.Errorf("got %v, want the block's limit", err)
	}
}
