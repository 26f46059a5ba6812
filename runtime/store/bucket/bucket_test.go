package bucket

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, key := range []string{"a", "objects/blake3/ab/cd", "log/fraud.v2/default/000042.json", "_x/A-b", strings.Repeat("a", 200), "x/tmp", "tmpx"} {
		if err := Check(key); err != nil {
			t.Errorf("%q: got %v", key, err)
		}
	}
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", ".hidden", "a/.b", "-a", "a b", "a\\b", "ü", "a\x00", "a\n", "tmp", "tmp/x",
		"locks/a/b", "cache/x", "checkpoint/x", strings.Repeat("a", 201), strings.Repeat("a/", 450) + "a"} {
		var wrong *KeyError
		if err := Check(key); !errors.As(err, &wrong) || wrong.Key != key {
			t.Errorf("%q: got %v, want a KeyError", key, err)
		}
	}
	for prefix, ok := range map[string]bool{"": true, "a": true, "a/": true, "a/b": true, "/": false, "a//": false, "../": false, "a/.": false, "tmp/": false} {
		if err := CheckPrefix(prefix); (err == nil) != ok {
			t.Errorf("prefix %q: got %v", prefix, err)
		}
	}
}
