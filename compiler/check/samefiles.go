package check

import (
	"path"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// wildcards are the characters by which a name of a path may match several.
const wildcards = `*?[\`

// sameFiles finds, for each source, those before it by address that may read one of its files. To whoever asks where values
// come from, their columns of one name are the same column.
func (c *checker) sameFiles() map[string][]string {
	paths := map[string]string{}
	var addresses []string
	for address := range c.m.Blocks {
		if path := c.sourcePath(address); path != "" {
			paths[address] = path
			addresses = append(addresses, address)
		}
	}
	slices.Sort(addresses)
	// A module may have thousands of sources, most of a file each: such a path is looked up, and only patterns are compared.
	out, named, patterns := map[string][]string{}, map[string][]string{}, []string(nil)
	for i, b := range addresses {
		path, among := paths[b], addresses[:i]
		if plain := !strings.ContainsAny(path, wildcards); plain {
			out[b] = slices.Clone(named[path])
			named[path] = append(named[path], b)
			among = patterns
		} else {
			patterns = append(patterns, b)
		}
		for _, a := range among {
			if share(strings.Split(paths[a], "/"), strings.Split(path, "/")) {
				out[b] = append(out[b], a)
			}
		}
		if slices.Sort(out[b]); len(out[b]) == 0 {
			delete(out, b)
		}
	}
	return out
}

// share reports whether a path may match both of two patterns, given by their segments. It may say yes of patterns that
// no file matches both of, and never no of those that one does.
func share(a, b []string) bool {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) == len(b)
	case a[0] == "**" && len(a) == 1 || b[0] == "**" && len(b) == 1:
		return true
	case a[0] == "**":
		return share(a[1:], b) || share(a, b[1:])
	case b[0] == "**":
		return share(a, b[1:]) || share(a[1:], b)
	}
	return meet(a[0], b[0]) && share(a[1:], b[1:])
}

// meet reports whether a name may match both of two patterns. Of two with wildcards only what stands before the first and
// behind the last is compared.
func meet(a, b string) bool {
	for _, p := range [][2]string{{a, b}, {b, a}} {
		if !strings.ContainsAny(p[1], wildcards) {
			ok, err := path.Match(p[0], p[1])
			return ok || err != nil
		}
	}
	first, last := func(s string) string { return s[:strings.IndexAny(s, wildcards)] }, func(s string) string { return s[strings.LastIndexAny(s, wildcards+"]")+1:] }
	begins := strings.HasPrefix(first(a), first(b)) || strings.HasPrefix(first(b), first(a))
	ends := strings.HasSuffix(last(a), last(b)) || strings.HasSuffix(last(b), last(a))
	return begins && ends
}

// alike notes of a source's column that others, which read the same files, have it too.
func alike(l *schema.Lineage, column string, others []string) {
	for _, address := range others {
		l.AddSame(schema.Derived(address + "." + column))
	}
}
