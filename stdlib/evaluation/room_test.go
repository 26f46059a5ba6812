package evaluation

import (
	"strings"
	"testing"
)

// TestRoom: rows that can be evaluated are let through; of those that cannot it is told what they need.
func TestRoom(t *testing.T) {
	c := &Config{Slices: make([]Slice, 2)}
	if err := c.room(3_600_000, 512); err != nil {
		t.Errorf("got %v", err)
	}
	err := c.room(20_000_000, 512)
	if err == nil || !strings.Contains(err.Error(), "20,000,000 rows cannot be evaluated in memory_mb = 512") || !strings.Contains(err.Error(), "take 1053 MB") || !strings.Contains(err.Error(), "memory_mb to 2106") {
		t.Errorf("got %v", err)
	}
}
