package store

import (
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// claims are the fingerprints that runs of this process work on.
type claims struct {
	mu   sync.Mutex
	held map[plan.Digest]*claim
}

// claim is the lock of one fingerprint, for as long as somebody holds it or waits for it.
type claim struct {
	sync.Mutex
	users int // that hold it or wait for it
}

// Claim waits until no other run of this process works on a fingerprint, and keeps others out until release is called. So
// two applies that come to the same stage at the same time, as tests do, run it once: whoever waited finds its result.
func (s *Store) Claim(fp plan.Digest) (release func()) {
	s.claims.mu.Lock()
	if s.claims.held == nil {
		s.claims.held = map[plan.Digest]*claim{}
	}
	c := s.claims.held[fp]
	if c == nil {
		c = &claim{}
		s.claims.held[fp] = c
	}
	c.users++
	s.claims.mu.Unlock()
	c.Lock()
	return func() {
		c.Unlock()
		s.claims.mu.Lock()
		defer s.claims.mu.Unlock()
		if c.users--; c.users == 0 {
			delete(s.claims.held, fp)
		}
	}
}
