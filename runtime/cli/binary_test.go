package cli

import (
	"debug/buildinfo"
	"debug/elf"
	"runtime"
	"strings"
	"testing"
)

// TestBinary: the binary that containers run needs nothing of the system that it runs on: no dynamic linker, nor glibc's
// shared libraries to look up hosts and users.
func TestBinary(t *testing.T) {
	info, err := buildinfo.ReadFile(mlp)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			got = s.Value
		}
	}
	if want := "netgo,osusergo"; got != want && !strings.HasPrefix(got, want+",") {
		t.Errorf("%s is built with tags %q, want %q among the first; `make build` does", mlp, got, want)
	}
	if runtime.GOOS != "linux" {
		return
	}
	file, err := elf.Open(mlp)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a dynamic linker", mlp)
		}
	}
}
