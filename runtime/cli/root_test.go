package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestGuarded holds that whatever ends a command is told, and becomes an exit code: a panic too, with where it was.
func TestGuarded(t *testing.T) {
	var none map[string]int
	cases := []struct {
		name string
		do   func() error
		code int
		says []string
	}{
		{"a panic", func() error { panic("no such thing \x1b[2J") }, exitError, []string{"Error: mlp has a defect: no such thing \\u{1B}[2J\nPlease report it", "TestGuarded"}},
		{"a fault", func() error { none["x"] = 1; return nil }, exitError, []string{"Error: mlp has a defect: assignment to entry in nil map"}},
		{"an error", func() error { return errors.New("no disk") }, exitError, []string{"Error: no disk\n"}},
		{"a failure", func() error { return &failure{err: errors.New("moved on"), hint: "Plan again.", code: exitStale} }, exitStale, []string{"Error: moved on\n  Plan again.\n"}},
		{"an outcome that is told", func() error { return exitCode(exitGate) }, exitGate, nil},
		{"success", func() error { return nil }, exitOK, nil},
	}
	for _, c := range cases {
		var out, err bytes.Buffer
		a := &app{out: &out, err: &err}
		if code := a.guarded(c.do); code != c.code {
			t.Errorf("%s: got exit %d, want %d", c.name, code, c.code)
		}
		for _, want := range c.says {
			if !strings.Contains(err.String(), want) {
				t.Errorf("%s: got %q, want %q", c.name, err.String(), want)
			}
		}
		if c.says == nil && err.Len() > 0 || out.Len() > 0 {
			t.Errorf("%s: got %q and %q, want nothing", c.name, out.String(), err.String())
		}
	}
}
