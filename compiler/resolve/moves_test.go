package resolve

import "testing"

func TestReaddress(t *testing.T) {
	for _, c := range []struct{ address, from, to, want string }{
		{"train.a", "train.a", "train.b", "train.b"},
		{"train.ab", "train.a", "train.b", ""},
		{`train.a["eu"]`, "train.a", "train.b", `train.b["eu"]`},
		{`train.a["eu"]`, "train.a", `train.b["eu"]`, ""}, // the single block became an instance
		{"train.a", "train.a", `train.a["eu"]`, `train.a["eu"]`},
		{`train.a["eu"]`, `train.a["eu"]`, "train.a", "train.a"},
		{`train.a["us"]`, `train.a["eu"]`, "train.a", ""},
		{"module.x.train.a", "module.x", "module.y", "module.y.train.a"},
		{`module.x["k"].train.a["eu"]`, "module.x", "module.y", `module.y["k"].train.a["eu"]`},
		{"module.x.train.a", "module.x", `module.x["k"]`, `module.x["k"].train.a`},
		{"module.xy.train.a", "module.x", "module.y", ""},
		{"module.x.train.a", "module.x.train.a", "train.a", "train.a"},
		{"train.a", "train.a", "module.x.train.a", "module.x.train.a"},
	} {
		got, ok := Readdress(c.address, c.from, c.to)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s by %s → %s: got %q, want %q", c.address, c.from, c.to, got, c.want)
		}
	}
}
