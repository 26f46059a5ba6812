package ledger

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestImportanceBySize: figures stand by name, and features below an importance by how much they count.
func TestImportanceBySize(t *testing.T) {
	figures := map[string]json.RawMessage{}
	for path, value := range map[string]string{"auc": "0.9", "importance.a": "0.1", "importance.b": "1e-3", "importance.c": "null", "importance.d": "0.6", "importance.e": "0.1", "rows": "100", "iterations": "7", "metrics.b": "1", "metrics.a": "2"} {
		figures[path] = json.RawMessage(value)
	}
	want := "metrics.a metrics.b auc importance.d importance.a importance.e importance.b importance.c iterations rows"
	if got := strings.Join(inOrder(figures), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
