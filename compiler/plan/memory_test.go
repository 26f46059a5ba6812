package plan

import "testing"

// TestAsked: a block's own limit counts; else what the stage had, and some more; and never more than it may have.
func TestAsked(t *testing.T) {
	p := &Plan{Envelope: &Envelope{Used: map[string]Used{"small": {Memory: 1 << 20}, "large": {Memory: 5200 << 20}, "huge": {Memory: 20 << 30}}}}
	tests := []struct {
		n        Node
		mb, most int64
	}{
		{Node{Address: "new"}, 2048, 16384},
		{Node{Address: "new", MaxMemoryMB: 1000}, 1000, 1000},
		{Node{Address: "new", MemoryMB: 100}, 100, 100},
		{Node{Address: "large", MemoryMB: 100, MaxMemoryMB: 300}, 100, 300},
		{Node{Address: "small"}, 320, 16384},
		{Node{Address: "large"}, 6272, 16384},
		{Node{Address: "large", MaxMemoryMB: 6000}, 6000, 6000},
		{Node{Address: "huge"}, 24576, 24576},
	}
	for _, tt := range tests {
		mb, most := p.Asked(&tt.n)
		if mb != tt.mb || most != tt.most {
			t.Errorf("%+v asks for %d of %d, want %d of %d", tt.n, mb, most, tt.mb, tt.most)
		}
		if s := p.Sized(&tt.n); s.MemoryMB != mb || s.MaxMemoryMB != most || tt.n.MemoryMB == mb && s == &tt.n {
			t.Errorf("sized it is %+v", s)
		}
	}
	if mb, most := (&Plan{}).Asked(&Node{}); mb != 2048 || most != 16384 {
		t.Errorf("without an envelope it asks for %d of %d", mb, most)
	}
}

// TestMoreMemory: each time twice as much, up to the most, and then no more.
func TestMoreMemory(t *testing.T) {
	var got []int64
	for mb := int64(300); mb > 0; mb = MoreMemory(mb, 1000) {
		got = append(got, mb)
	}
	if len(got) != 3 || got[1] != 600 || got[2] != 1000 || MoreMemory(0, 10) != 0 {
		t.Errorf("got %v", got)
	}
}
