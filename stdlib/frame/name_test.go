package frame

import "testing"

func TestNumberName(t *testing.T) {
	for text, want := range map[string]string{"2.0": "2", "2": "2", "+5": "5", "-0": "0", "1e3": "1000", "9007199254740993": "9007199254740993",
		"9007199254740993.00": "9007199254740993", "0.10": "0.1", "12345678901234567890123.450": "12345678901234567890123.45", "yes": "yes", "": "", "1_0": "1_0",
		"0x10": "0x10", "1/3": "1/3", "NaN": "NaN"} {
		if got := NumberName(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestValueName has two whole numbers that are the same float64.
func TestValueName(t *testing.T) {
	c := &Column{Type: "bigint", Num: []float64{1 << 53, 1 << 53, 5}, Exact: []string{"9007199254740992", "9007199254740993", ""}}
	index := map[string]float64{"9007199254740992": 0, "9007199254740993": 1, "5": 2}
	got, err := c.Find(index, func(int, string) error { return nil })
	if err != nil || got[0] != 0 || got[1] != 1 || got[2] != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if taken := (&Frame{Rows: 3, Columns: []Column{*c}}).Take([]int{1, 2}); taken.Columns[0].ValueName(0) != "9007199254740993" || taken.Columns[0].ValueName(1) != "5" {
		t.Errorf("got %q", taken.Columns[0].Exact)
	}
	float := &Column{Type: "float", Num: []float64{float64(float32(0.1))}}
	if got := float.ValueName(0); got != "0.1" {
		t.Errorf("got %q of a float", got)
	}
}
