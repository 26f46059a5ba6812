package render

import (
	"encoding/json"
	"strings"
	"testing"
)

func rawOf(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func TestChangeText(t *testing.T) {
	long := strings.Repeat("select a, b from payments ", 5)
	for _, c := range []struct {
		name          string
		before, after any
		want          string
	}{
		{"numbers", 300, 400, "300 → 400"},
		{"short texts", "a", "b", "a → b"},
		{"long texts", long + "where amount > 0 " + long, long + "where amount > 10 " + long, "… where amount > 0 select a, b fr… → … where amount > 10 select a, b fr…"},
		{"text grows", long, long + "limit 5", "… b from payments → … b from payments limit 5"},
		{"long lists", strings.Fields(long), append(strings.Fields(long), "extra"), "+ extra"},
		{"order", strings.Fields("aaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb ccccccccccc"), strings.Fields("ccccccccccc aaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb"), "the same in another order"},
		{"a script in a list", []string{"sh", "-c", long + "echo 3"}, []string{"sh", "-c", long + "echo 4"}, "+ …m payments echo 4  - …m payments echo 3"},
		{"other type", "1", 2, "1 → 2"},
	} {
		if got := ChangeText(rawOf(c.before), rawOf(c.after)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
