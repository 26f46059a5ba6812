package python

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/digest"
)

// TestLibraryIsHeld: what the modules do is part of the definition of programs by the version of the library alone, so another text is another version, and so
// are the components that run with it: image.python, and each block of type python.
func TestLibraryIsHeld(t *testing.T) {
	const version, want = "python.1", "d3ae1a08007485a8"
	modules, err := Modules(Library)
	if err != nil {
		t.Fatal(err)
	}
	all := append(append([]byte{}, modules["mlp_stage.py"]...), modules["mlp_install.py"]...)
	if got := strings.TrimPrefix(string(digest.Of(all)), digest.Prefix); Library != version || !strings.HasPrefix(got, want) {
		t.Errorf("the modules of %s have the digest %s, want %s: raise Library, and write both here", Library, got[:16], want)
	}
	if _, err := Modules("python.0"); err == nil {
		t.Error("a version that is not known is taken")
	}
}

// TestStageIsShort: one file that is read in a minute, and copied where it is wanted elsewhere.
func TestStageIsShort(t *testing.T) {
	modules, err := Modules(Library)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(modules["mlp_stage.py"], []byte("\n")); lines >= 150 {
		t.Errorf("mlp_stage.py has %d lines, want less than 150", lines)
	}
}
