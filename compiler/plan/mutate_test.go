package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryStringIsSaidOf: a field that nobody says of what it holds would be taken as it comes.
func TestEveryStringIsSaidOf(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type, tag, at string)
	walk = func(typ reflect.Type, tag, at string) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(typ.Elem(), tag, at)
		case reflect.Map:
			walk(typ.Key(), tag, at)
			walk(typ.Elem(), "text", at)
		case reflect.String:
			if _, ok := grammars[tag]; !ok && typ.PkgPath() == "" {
				t.Errorf("%s is a string: say of what by a tag, as grammar.go has them (it has %q)", at, tag)
			}
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for _, f := range taggedFields(typ) {
				walk(typ.Field(f.index).Type, f.tag, at+"."+f.name)
			}
		}
	}
	walk(reflect.TypeFor[Plan](), "", "plan")
	if len(seen) < 20 {
		t.Errorf("got %d types", len(seen))
	}
}

// said are the places of a plan where another value makes another honest plan, or one that says otherwise to people what it
// does the same, which is found out where the state is. At all others an edit is refused by Read.
var said = regexp.MustCompile(strings.Join([]string{
	`^\.(format_version|base|config_digest|described|policies|variables|changes|outputs|diagnostics|moves)\b`, // the state's past is compared with when it is applied
	`^\.hypotheses\b`,               // hold nothing back; made once more where the plan is applied
	`^\.(pipeline|workspace)$`,      // it is for that one then
	`^\.targets(\[)?$`,              // planned once more of other targets it is another plan
	`^\.planner_semantics$`,         // another is shown and not applied
	`^\.nodes\[$|^\.releases(\[)?$`, // less than the module says is done: what is left is whole
	`^\.releases\[\]\.address$`,     // what is live there is compared with
	`^\.nodes\[\]\.(causes|description|range|meta|after|timeout_ms|memory_mb|disk_mb|cpus|retries|no_cache|replaces|phase|verdict)\b`,
	`^\.nodes\[\]\.decided$`,             // compared with the state
	`^\.nodes\[\]\.findings\b`,           // for people
	`^\.nodes\[\]\.outputs\[\]\.shape\b`, // what readers of it are told, and their definitions say
	`^\.nodes\[\]\.outputs\[\]\.digest$`, // compared with the record of the result
	`^\.nodes\[\]\.accepted\b`,           // compared with the record of the result
	`^\.nodes\[\]\.container\.image$`,
	`^\.nodes\[\]\.inputs\[\]\.external\.(root|dir)$`, // the same files elsewhere; what the path means is asked again
	`^\.nodes\[\]\.inputs\[\]\.rows$`,                 // what the component says of the input, which is asked again where the plan is applied
	`^\.nodes\[\]\.rules\b`,                           // of a check: decided by what stands there
	`^\.gates\[\]\.(accepted|causes|looks|meta|range|verdict|cached|replaces|blocked_by)\b`,
	`^\.gates\[\]\.champion\.(why|fingerprint|candidate)$`,
	`^\.gates\[\]\.approvals\[\]\.(needed|given_by|given|range)\b`,
	`^\.gates\[\]\.rules\.(env|figures)\b`,
	`^\.gates\[\]\.rules\.known\.(champion)\b`,
	`^\.gates\[\]\.rules\.rules\[\]\.(verdict|residual|values|live|reason|range)\b`,
	`^\.releases\[\]\.(causes|figures|range|type)\b`,
	`^\.releases\[\]\.model\.(port|shape)\b`,
	`^\.releases\[\]\.(config|gate|strategy)\b`, // another honest release, whose action is checked
	`^\.releases\[\]\.current\b`,                // compared with the state
}, "|"))

// TestMutatedPlansAreRefused edits every value of every plan of spec/plans and signs it anew: it is refused, unless what
// was edited is said to make another honest plan, or to be for people only.
func TestMutatedPlansAreRefused(t *testing.T) {
	paths, err := filepath.Glob("../../spec/plans/*/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d plans: %v", len(paths), err)
	}
	taken, refused := map[string]string{}, 0
	seen := map[string]int{} // a few of the many of a kind
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(data); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		mutate(t, data, func(place string) bool {
			seen[place]++
			return seen[place] <= 1 && !said.MatchString(strings.TrimSuffix(place, "-"))
		}, func(place, what string, data []byte) {
			if _, err := Read(data); err == nil {
				taken[place] = filepath.Base(path) + ": " + what
			} else {
				refused++
			}
		})
	}
	for _, place := range slices.Sorted(maps.Keys(taken)) {
		t.Errorf("%s may be edited: %s", place, taken[place])
	}
	if refused < 500 {
		t.Errorf("only %d edits were tried", refused)
	}
}

// mutate hands out a plan with one value edited each time, signed anew, for each place that is wanted. A place is a path
// without positions.
func mutate(t *testing.T, data []byte, wanted func(place string) bool, try func(place, what string, data []byte)) {
	t.Helper()
	var root map[string]any
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		t.Fatal(err)
	}
	delete(root, "envelope")
	delete(root, "plan_id")
	seal := func(place, what string) {
		root["plan_id"] = ""
		id, err := Sum("plan", root)
		if err != nil {
			t.Fatal(err)
		}
		root["plan_id"] = id
		text, err := Canonical(root)
		if err != nil {
			t.Fatal(err)
		}
		delete(root, "plan_id")
		try(place, what, text)
	}
	var walk func(v any, place string, set func(any))
	walk = func(v any, place string, set func(any)) {
		switch x := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				old := x[k]
				walk(old, place+"."+k, func(v any) { x[k] = v })
				if (place != "" || k != "format_version") && old != false && wanted(place+"."+k+"-") { // what is not there is false
					delete(x, k)
					seal(place+"."+k, "taken out")
					x[k] = old
				}
			}
		case []any:
			for i := range x {
				walk(x[i], place+"[]", func(v any) { x[i] = v })
			}
			if len(x) > 0 && wanted(place+"[-") {
				set(x[1:])
				seal(place, "the first taken out")
				set(x)
			}
		default:
			if !wanted(place) {
				return
			}
			for _, other := range others(x) {
				set(other)
				seal(place, fmt.Sprintf("%v in place of %v", other, x))
			}
			set(v)
		}
	}
	walk(root, "", nil)
}

// others are values in place of one.
func others(v any) []any {
	switch x := v.(type) {
	case string:
		return []any{x + "x", "", "../" + x, "\x1b[2J" + x, "blake3:" + strings.Repeat("0", 64)}
	case json.Number:
		return []any{json.Number("7" + strings.TrimLeft(string(x), "-")), json.Number("-1")}
	case bool:
		return []any{!x}
	}
	return []any{"x"}
}
