package address

import (
	"regexp"
	"slices"
	"testing"
)

func TestParts(t *testing.T) {
	form := regexp.MustCompile(Pattern)
	for _, tc := range []struct {
		address, block, of, role, module, kind, name, key, path string
		words                                                   []string
	}{
		{"train.model", "train.model", "train.model", "", "", "train", "model", "", "train.model", []string{"train", "model"}},
		{`train.model["eu"]`, `train.model["eu"]`, `train.model["eu"]`, "", "", "train", "model", "eu", "train.model.eu", []string{"train", "model", "eu"}},
		{"evaluate.test@champion", "evaluate.test", "evaluate.test", "champion", "", "evaluate", "test", "", "evaluate.test@champion",
			[]string{"evaluate", "test", "champion"}},
		{`module.cards["eu"].evaluate.test["a"]@champion@predict`, `module.cards["eu"].evaluate.test["a"]`, `module.cards["eu"].evaluate.test["a"]@champion`,
			"predict", `module.cards["eu"].`, "evaluate", "test", "a", "module.cards.eu.evaluate.test.a@champion@predict",
			[]string{"module", "cards", "eu", "evaluate", "test", "a", "champion", "predict"}},
		{"module.a.module.b.label.fraud", "module.a.module.b.label.fraud", "module.a.module.b.label.fraud", "", "module.a.module.b.", "label", "fraud", "",
			"module.a.module.b.label.fraud", []string{"module", "a", "module", "b", "label", "fraud"}},
		{"module.cards", "module.cards", "module.cards", "", "", "module", "cards", "", "module.cards", []string{"module", "cards"}},
	} {
		if !form.MatchString(tc.address) {
			t.Errorf("%s has not the form of an address", tc.address)
		}
		of, role := Of(tc.address)
		for what, got := range map[string][2]string{
			"block": {Block(tc.address), tc.block}, "of": {of, tc.of}, "role": {role, tc.role}, "module": {Module(tc.address), tc.module},
			"kind": {Kind(tc.address), tc.kind}, "name": {Name(tc.address), tc.name}, "key": {Key(tc.address), tc.key}, "path": {Path(tc.address), tc.path},
		} {
			if got[0] != got[1] {
				t.Errorf("%s of %s: got %q, want %q", what, tc.address, got[0], got[1])
			}
		}
		if got := Words(tc.address); !slices.Equal(got, tc.words) {
			t.Errorf("words of %s: got %q, want %q", tc.address, got, tc.words)
		}
		if IsDerived(tc.address) != (role != "") || role != "" && Derived(of, role) != tc.address || At(tc.address, tc.block) != tc.address {
			t.Errorf("%s is not put together as it is taken apart", tc.address)
		}
		if got, want := At(tc.address, "train.other"), "train.other"+tc.address[len(tc.block):]; got != want {
			t.Errorf("%s in another place: got %s, want %s", tc.address, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"train.model", "train.model", true}, {"train.model", "train.models", false}, {"train.*", "train.model", true}, {"*.model", "train.model", true},
		{`train.model[*]`, `train.model["eu"]`, true}, {"train.m*l", "train.model", true}, {"train.m*l", "train.models", false}, {"*", "train.model", true},
		{"*o*e*", "train.model", true}, {"*e*o*", "train.model", false}, {"train*train", "train", false}, {"t*t*t", "trt", false}, {"train.?odel", "train.model", false},
	} {
		if got := Matches(c.pattern, c.address); got != c.want {
			t.Errorf("%s of %s: %v", c.pattern, c.address, got)
		}
	}
}
