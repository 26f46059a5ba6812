package store

import (
	"sync"
	"testing"
)

// TestClaim holds that one at a time works on a fingerprint, that others are not kept waiting, and that nothing stays.
func TestClaim(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other := s.Claim("blake3:b")
	inside, most := 0, 0
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			defer s.Claim("blake3:a")()
			inside++ // the race detector sees it too
			most = max(most, inside)
			inside--
		})
	}
	wg.Wait()
	other()
	if most != 1 || len(s.claims.held) != 0 {
		t.Errorf("got %d at a time and %d left, want 1 and 0", most, len(s.claims.held))
	}
}
