package expr

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// marked are calls with a sensitive argument in each place, by function; #s is variable.s. s, d and n are sensitive: a string, a date, a
// number; l a list, m a map, z a set and j a text of JSON.
var marked = map[string][]string{
	"abs": {`abs(#n)`}, "ceil": {`ceil(#n)`}, "floor": {`floor(#n)`}, "signum": {`signum(#n)`}, "parseint": {`parseint("7", #n + 7)`},
	"can": {`can(#s + 1)`, `can(#s)`}, "try": {`try(#s + 1, "no")`, `try(#s, 1)`},
	"chomp": {`chomp(#s)`}, "lower": {`lower(#s)`}, "upper": {`upper(#s)`}, "title": {`title(#s)`}, "strlen": {`strlen(#s)`}, "strrev": {`strrev(#s)`},
	"trimspace": {`trimspace(#s)`}, "indent": {`indent(#n, "a")`, `indent(1, #s)`}, "trim": {`trim(#s, "a")`, `trim("a", #s)`},
	"trimprefix": {`trimprefix(#s, "a")`, `trimprefix("a", #s)`}, "trimsuffix": {`trimsuffix(#s, "a")`, `trimsuffix("a", #s)`},
	"substr": {`substr(#s, 0, 1)`, `substr("abcdef", #n, 1)`, `substr("abcdef", 0, #n)`}, "split": {`split(#s, "a")`, `split("-", #s)`},
	"replace": {`replace(#s, "a", "b")`, `replace("a", #s, "b")`, `replace("a", "a", #s)`}, "join": {`join(#s, ["a", "b"])`, `join("-", #l)`, `join("-", ["a", #s])`},
	"regex": {`regex(".", #s)`, `regex("[${#s}]", "secret")`}, "regexall": {`regexall(".", #s)`, `regexall(#s, "x")`},
	"regexreplace": {`regexreplace(#s, "a", "b")`, `regexreplace("a", #s, "b")`, `regexreplace("a", "a", #s)`},
	"format":       {`format("%s", #s)`, `format(#s)`}, "formatlist": {`formatlist("%s", #l)`, `formatlist("%s${#s}", ["a"])`}, "formatdate": {`formatdate("YYYY", #d)`, `formatdate(substr(#s, 0, 0), "2026-01-01T00:00:00Z")`},
	"timeadd":   {`timeadd(#d, "1h")`, `timeadd("2026-01-01T00:00:00Z", "${#n}h")`},
	"chunklist": {`chunklist(#l, 1)`, `chunklist(["a"], #n)`}, "coalesce": {`coalesce(#s, "a")`, `coalesce(null, #s)`}, "coalescelist": {`coalescelist(#l, ["a"])`},
	"compact": {`compact(#l)`}, "concat": {`concat(#l, ["a"])`, `concat(["a"], [#s])`}, "contains": {`contains(#l, "a")`, `contains(["a"], #s)`, `contains([#s], "a")`},
	"csvdecode": {`csvdecode(#s)`}, "distinct": {`distinct(#l)`, `distinct([#s])`}, "element": {`element(#l, 0)`, `element(["a", "b"], #n)`}, "flatten": {`flatten([#l])`, `flatten([[#s]])`},
	"hasindex": {`hasindex(#m, "a")`, `hasindex(tomap({ a = 1 }), #s)`}, "jsondecode": {`jsondecode(#j)`}, "jsonencode": {`jsonencode(#s)`, `jsonencode({ a = [#s] })`},
	"keys": {`keys(#m)`, `keys({ (#s) = 1 })`}, "length": {`length(#l)`}, "lookup": {`lookup(#m, "a", "b")`, `lookup({ a = "b" }, #s, "c")`, `lookup({ a = "b" }, "x", #s)`},
	"max": {`max(#n, 1)`, `max(1, #n)`}, "min": {`min(#n, 1)`, `min(1, #n)`}, "merge": {`merge(#m, { b = "c" })`, `merge({ b = "c" }, { (#s) = "c" })`}, "range": {`range(#n)`, `range(0, #n)`},
	"reverse": {`reverse(#l)`}, "sethaselement": {`sethaselement(#z, "a")`, `sethaselement(toset(["a"]), #s)`}, "setintersection": {`setintersection(#z, ["a"])`, `setintersection(["a"], #z)`},
	"setproduct": {`setproduct(#z, ["a"])`, `setproduct(["a"], [#s])`}, "setsubtract": {`setsubtract(#z, ["a"])`, `setsubtract(["a"], #z)`}, "setunion": {`setunion(#z, ["a"])`, `setunion(["a"], [#s])`},
	"setsymmetricdifference": {`setsymmetricdifference(#z, ["a"])`, `setsymmetricdifference(["a"], #z)`}, "slice": {`slice(#l, 0, 1)`, `slice(["a", "b", "c", "d", "e"], 0, #n)`}, "sort": {`sort(#l)`},
	"tobool": {`tobool(#s == "x")`}, "tolist": {`tolist(#l)`}, "tomap": {`tomap(#m)`}, "tonumber": {`tonumber(#n)`}, "toset": {`toset(#l)`, `toset([#s])`}, "tostring": {`tostring(#n)`},
	"values": {`values(#m)`, `values({ a = #s })`}, "zipmap": {`zipmap(#l, ["a", "b"])`, `zipmap(["a", "b"], #l)`, `zipmap([#s], [1])`},
	"file": {`file("${substr("marks.go", 0, #n + 5)}")`}, "filehash": {`filehash("${substr("marks.go", 0, #n + 5)}")`},
	// And what is no function.
	"operators": {`#n + 1`, `-#n`, `#s == "a"`, `!(#s == "a")`, `#n > 1 && true`, `#n > 1 ? "a" : "b"`, `true ? #s : "a"`},
	"templates": {`"a${#s}"`, `"%{ if #s == "a" }x%{ endif }"`, `"%{ for x in #l }.%{ endfor }"`, "<<-E\n  ${#s}\n  E"},
	"for":       {`[for x in #l : 1]`, `[for x in ["a"] : 1 if x == #s]`, `{ for x in ["a"] : #s => x }`, `{ for x in ["a"] : x => #s }`},
	"access":    {`#l[0]`, `#m.a`, `["a", "b", "c", "d"][#n]`, `{ a = 1, secret = 2 }[#s]`, `[for k in [#s] : { secret = 1 }[k]]`, `[for x in [1] : { secret = 1 }[#s]]`, `[{ a = #s }][*].a`, `{ (#s) = 1 }`},
}

// TestMarksFollow: what is computed from something sensitive is sensitive, whatever it is computed with.
func TestMarksFollow(t *testing.T) {
	s := NewScope(".", nil, nil, nil)
	list := cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("secret")})
	for name, v := range map[string]cty.Value{
		"s": cty.StringVal("secret"), "n": cty.NumberIntVal(3), "l": list, "m": cty.MapVal(map[string]cty.Value{"a": cty.StringVal("secret")}),
		"z": cty.SetVal(list.AsValueSlice()), "j": cty.StringVal(`["secret"]`), "d": cty.StringVal("2026-01-01T00:00:00Z"),
	} {
		s.Variables[name] = Sensitive(v)
	}
	for _, name := range slices.Sorted(maps.Keys(s.budget.functions(""))) {
		if len(marked[name]) == 0 && name != counting { // which stands in loops and templates
			t.Errorf("the function %s is not tested", name)
		}
	}
	for name, calls := range marked {
		for _, call := range calls {
			text := "x \"a\" {\n  v = " + strings.ReplaceAll(call, "#", "variable.") + "\n}"
			v, ds := s.Eval(attr(t, text))
			if ds.HasErrors() {
				t.Errorf("%s: %s: %s %s", name, call, ds[0].Summary, ds[0].Detail)
			} else if !IsSensitive(v) {
				t.Errorf("%s: %s is %#v, and not sensitive", name, call, v)
			}
		}
	}
}
