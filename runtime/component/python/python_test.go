package python

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/digest"
)

// TestLibrariesAreHeld: what the modules do is part of the definition of programs by the version of the library alone, so another text is another version: of
// each block of type python, and of image.python.
func TestLibrariesAreHeld(t *testing.T) {
	for _, tt := range []struct{ modules, version, want string }{
		{Library, "python.2", "8916bb3539c1635b"},
		{Installer, "install.1", "a5e93085f06454d4"},
	} {
		modules, err := Modules(tt.modules)
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, name := range slices.Sorted(maps.Keys(modules)) {
			all = append(all, modules[name]...)
		}
		if got := strings.TrimPrefix(string(digest.Of(all)), digest.Prefix)[:16]; tt.modules != tt.version || got != tt.want {
			t.Errorf("the modules of %s have the digest %s, want %s: raise the version, and write both here", tt.modules, got, tt.want)
		}
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

// TestLayer: the file that the installer writes has the name that others know it by.
func TestLayer(t *testing.T) {
	files, err := Modules(Installer)
	if err != nil || !strings.Contains(string(files["mlp_install.py"]), `pack(tree, out / "`+Layer+`")`) {
		t.Errorf("mlp_install.py writes no %s, %v", Layer, err)
	}
}
