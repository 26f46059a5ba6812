package rule

import (
	"encoding/json"
	"testing"
)

func TestCompare(t *testing.T) {
	weaker, stronger, other := Shift{Weaker: true}, Shift{Stronger: true}, Shift{Other: true}
	for _, c := range []struct {
		before, after string
		want          Shift
	}{
		{"a.auc >= 0.8", "a.auc   >=  0.8", Shift{}},
		{"a.auc >= 0.8", "0.8 <= a.auc", Shift{}},
		{"a.auc >= 0.8", "a.auc >= 0.7", weaker},
		{"a.auc >= 0.7", "a.auc >= 0.8", stronger},
		{"a.auc >= 0.8", "0.7 <= a.auc", weaker},
		{"a.fpr <= 0.01", "a.fpr <= 0.02", weaker},
		{"a.fpr < 0.01", "a.fpr <= 0.01", weaker},
		{"a.fpr <= 0.01", "a.fpr < 0.01", stronger},
		{"a.auc > -0.01", "a.auc > -0.05", weaker},
		{"a.auc >= 0.8 + 0.05", "a.auc >= 0.8", weaker},
		{"a.auc >= b.auc", "a.auc >= b.auc - 0.01", weaker},
		{"a.auc - b.auc >= 0.01", "a.auc >= b.auc + 0.02", stronger},
		{"100 * a.share <= 5", "a.share <= 0.06", weaker},
		{"a.nulls <= 0.01 * a.rows", "a.nulls <= 0.05 * a.rows", weaker},
		{"a.nulls / a.rows <= 0.05", "a.nulls / a.rows <= 0.01", stronger},
		{"a.delta.auc * 2 > 0.1 - b", "a.delta.auc * 3 > 0.1 - b", other},
		{"a.auc >= 0.8", "a.f1 >= 0.8", other},
		{"a.auc >= 0.8", "a.auc <= 0.8", other},
		{"a.auc >= 0.8 && a.fpr <= 0.1", "a.auc >= 0.8", weaker},
		{"a.auc >= 0.8", "a.auc >= 0.8 && a.fpr <= 0.1", stronger},
		{"a.auc >= 0.8 && a.fpr <= 0.1", "a.fpr <= 0.1 && a.auc >= 0.8", Shift{}},
		{"a.auc >= 0.8 && a.fpr <= 0.1", "a.fpr <= 0.2 && a.auc >= 0.8", weaker},
		{"a.auc >= 0.8 && a.fpr <= 0.1", "a.fpr <= 0.2 && a.auc >= 0.9", Shift{Weaker: true, Stronger: true}},
		{"a.auc >= 0.8", "a.auc >= 0.8 || !champion.exists", weaker},
		{"a.auc >= 0.8 || !champion.exists", "a.auc >= 0.8", stronger},
		{"a && b", "a || b", weaker},
		{"!(a.auc < 0.8)", "!(a.auc < 0.7)", weaker},
		{"a.n in [1, 2]", "a.n in [2, 1, 3]", weaker},
		{"a.n in [1, 2]", "a.n in [2]", stronger},
		{"a.s.all(k, a.s[k].auc > 0.6)", "a.s.all(k, a.s[k].auc > 0.5)", weaker},
		{"a.s.exists(k, a.s[k].auc > 0.6)", "a.s.exists(k, a.s[k].auc > 0.7)", stronger},
		{"a.s.exists_one(k, a.s[k].auc > 0.6)", "a.s.exists_one(k, a.s[k].auc > 0.7)", other},
		{"champion.exists ? a.auc > 0.6 : a.auc > 0.5", "champion.exists ? a.auc > 0.5 : a.auc > 0.5", weaker},
		{"a.auc >= 0.8", "champion.exists ? true : a.auc >= 0.8", weaker},
		{"champion.exists || a.auc >= 0.8", "champion.exists ? true : a.auc >= 0.8", Shift{}},
		{"!champion.exists || a.auc >= 0.8", "champion.exists ? a.auc >= 0.8 : true", Shift{}},
		{"champion.exists && a.auc >= 0.8", "champion.exists ? a.auc >= 0.8 : false", Shift{}},
		{"!champion.exists && a.auc >= 0.8", "champion.exists ? false : a.auc >= 0.8", Shift{}},
		{"a.auc >= 0.8", "champion.exists ? a.auc >= 0.8 : a.auc >= 0.7", weaker},
		{"a.auc >= 0.8", "champion.exists ? a.auc >= 0.9 : a.auc >= 0.7", Shift{Weaker: true, Stronger: true}},
		{"champion.exists ? a.auc >= 0.8 : a.auc >= 0.9", "a.auc >= 0.9", stronger},
		{"champion.exists ? a.auc >= 0.8 : a.auc >= 0.7", "a.big ? a.auc >= 0.7 : a.auc >= 0.6", weaker},
		{"a.auc >= 0.8", "a.auc >= (champion.exists ? 0.7 : 0.8)", weaker},
		{"a.auc >= 0.8", "(champion.exists ? 0.9 : 0.8) <= a.auc", stronger},
		{"a.auc >= 0.8", "!(a.auc < 0.8)", Shift{}},
		{"a.auc >= 0.8", "!(0.7 > a.auc)", weaker},
		{"a.auc > 0.8", "!(a.auc <= 0.8) == true", Shift{}},
		{"a.auc >= 0.8", "true != (a.auc < 0.7)", weaker},
		{"a.auc >= 0.8", "(a.auc < 0.7) == false", weaker},
		{"!(a.auc < 0.8 || a.fpr > 0.1)", "a.auc >= 0.8 && a.fpr <= 0.1", Shift{}},
		{"!(a.auc < 0.8 && a.fpr > 0.1)", "a.auc >= 0.8 || a.fpr <= 0.2", weaker},
		{"!(a && !b)", "!a || b", Shift{}},
		{"a.auc >= 0.8", "max([a.auc, a.f1]) >= 0.8", weaker},
		{"a.auc >= 0.8", "min([a.auc, a.f1]) >= 0.8", stronger},
		{"a.auc >= 0.8", "max([a.auc, 1.0]) >= 0.8", weaker},
		{"a.auc >= 0.8", "a.auc >= min([0.8, 0.1])", weaker},
		{"a.auc >= 0.8", "a.auc >= max([0.8, 0.9])", stronger},
		{"a.fpr <= 0.1", "min([a.fpr, 0.0]) <= 0.1", weaker},
		{"a.fpr <= 0.1", "max([a.fpr, a.fnr]) <= 0.1", stronger},
		{"max([a.auc, a.f1]) >= 0.8", "max([a.f1, a.auc]) >= 0.8", Shift{}},
		{"a.auc >= 0.8", "[a.auc, a.f1].exists(x, x >= 0.8)", weaker},
		{"a.auc >= 0.8", "[a.auc, a.f1].all(x, x >= 0.8)", stronger},
		{"[a.auc, a.f1].all(x, x >= 0.8)", "[a.auc, a.f1].all(x, x >= 0.7)", weaker},
		{"!([a.auc, a.f1].all(x, x >= 0.8))", "a.auc < 0.8 || a.f1 < 0.8", Shift{}},
		{"a.auc >= 0.8", "[].all(x, x >= 0.8)", weaker},
		{"a.auc >= 0.8", "true", weaker},
		{"a.auc >= 0.8", "0.1 >= 0.0", weaker},
		{"true", "a.auc >= 0.8", stronger},
		{"abs(a.bias) < 0.1", "abs(a.bias) < 0.2", weaker},
		{"a.name == 'x'", "a.name == 'y'", other},
		{"a.auc >= variable.low", "a.auc >= 0.6", weaker},
		{"a.auc >= variable.limits['eu'].auc", "a.auc >= 0.9", stronger},
		{"a.auc >= local.list[0]", "a.auc >= local.list[1]", other},
	} {
		known := map[string]json.RawMessage{"variable.low": json.RawMessage("0.7"), "variable.limits": json.RawMessage(`{"eu":{"auc":0.8}}`), "local.list": json.RawMessage("[1,2]")}
		if got := Compare(Condition{c.before, known}, Condition{c.after, known}); got != c.want {
			t.Errorf("%s to %s: got %+v, want %+v", c.before, c.after, got, c.want)
		}
	}
}

// TestCompareValues: a value that a rule reads moves its limit.
func TestCompareValues(t *testing.T) {
	for value, want := range map[string]Shift{"0.8": {}, "0.7": {Weaker: true}, "0.9": {Stronger: true}, `"x"`: {Other: true}} {
		before := Condition{"a.auc >= variable.min", map[string]json.RawMessage{"variable.min": json.RawMessage("0.8")}}
		after := Condition{"a.auc >= variable.min", map[string]json.RawMessage{"variable.min": json.RawMessage(value)}}
		if got := Compare(before, after); got != want {
			t.Errorf("%s: got %+v, want %+v", value, got, want)
		}
	}
}
