package workspace

import (
	"runtime/debug"
)

// Version is that of the module or of the commit it was built from.
// That is v0.4.0, or what Go makes of a commit as a version; where the module has none, "devel-" and twelve digits of
// the commit; "devel" where that is not known either.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		return "devel"
	}
	return v
}
