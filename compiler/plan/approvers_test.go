package plan

import "testing"

func TestApprovers(t *testing.T) {
	groups := Approvers{"officers": {"alice", "bob"}, "board": {"carol", "officers"}, "empty": {}}
	for _, c := range []struct {
		groups Approvers
		by     string
		from   []string
		want   bool
	}{
		{nil, "alice", []string{"alice"}, true},
		{nil, "alice", []string{"officers"}, false},
		{nil, "officers", []string{"officers"}, true},
		{groups, "alice", []string{"officers"}, true},
		{groups, "carol", []string{"officers"}, false},
		{groups, "carol", []string{"officers", "board"}, true},
		{groups, "officers", []string{"officers"}, false}, // a group is nobody
		{groups, "carol", []string{"carol"}, true},        // a person whom the operator knows
		{groups, "eve", []string{"eve"}, false},           // one whom only the pipeline names
		{groups, "alice", []string{"empty"}, false},
		{groups, "alice", nil, false},
		{Approvers{}, "alice", []string{"alice"}, false},
	} {
		if got := c.groups.May(c.by, c.from); got != c.want {
			t.Errorf("%v: may %s, asked of %v: got %t, want %t", c.groups, c.by, c.from, got, c.want)
		}
	}
}

func TestReadApprovers(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"a": ["x"]}`: true, `{}`: true, `null`: false, `[]`: false, `{"a": "x"}`: false, `{"a": ["x"], "a": ["y"]}`: false, `{"": ["x"]}`: false, `{"a": [""]}`: false, `{"a": ["x"]} {}`: false, ``: false,
	} {
		if _, err := ReadApprovers([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
