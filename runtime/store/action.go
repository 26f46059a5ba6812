package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// NondeterministicError: a stage ran again under the same fingerprint and gave something else.
type NondeterministicError struct {
	Address string
	Ports   []string // that differ, sorted
	First   map[string]plan.Digest
	Second  map[string]plan.Digest
}

func (e *NondeterministicError) Error() string {
	return fmt.Sprintf("%s gave another result than before for the same inputs: %s. Something in it is left to chance (an unseeded random number, the time, the order of threads). Make it depend on its inputs and seed alone, or say `cache = false`",
		e.Address, strings.Join(e.Ports, ", "))
}

func (s *Store) actionPath(fp plan.Digest) (string, error) {
	hex, err := fp.Hex()
	if err != nil {
		return "", err
	}
	return s.Path("actions", hex+".json"), nil
}

// PutAction records what a fingerprint yields. It is immutable: the same outputs again are no change, others are a
// NondeterministicError. It returns the record that holds from now on, the first.
func (s *Store) PutAction(a plan.Action) (*plan.Action, error) {
	path, err := s.actionPath(a.Fingerprint)
	if err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	err = s.WriteNew(path, append(data, '\n'))
	if err == nil {
		return &a, nil
	}
	if !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	first, err := s.Action(a.Fingerprint)
	if errors.Is(err, ErrMissing) { // it was corrupt and is moved aside
		return s.PutAction(a)
	}
	if err != nil {
		return nil, err
	}
	if ports := differing(first.Outputs, a.Outputs); len(ports) > 0 {
		return nil, &NondeterministicError{Address: a.Address, Ports: ports, First: first.Outputs, Second: a.Outputs}
	}
	return first, nil
}

// ReplaceAction records a result whatever was recorded before: for stages that say their result depends on more than
// their inputs (cache = false).
func (s *Store) ReplaceAction(a plan.Action) error {
	path, err := s.actionPath(a.Fingerprint)
	if err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	if err := s.Replace(path, append(data, '\n')); err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	return nil
}

// Action returns what a fingerprint yields, or an error that is ErrMissing. A record that cannot be read is moved to
// the quarantine and is missing from then on.
func (s *Store) Action(fp plan.Digest) (*plan.Action, error) {
	path, err := s.actionPath(fp)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("result of %s: %w", fp, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	var a plan.Action
	if err := json.Unmarshal(data, &a); err == nil && a.Fingerprint == fp && a.Outputs != nil {
		return &a, nil
	}
	hex, _ := fp.Hex()
	to := s.Path("quarantine", "action-"+hex+".json")
	if err := os.MkdirAll(s.Path("quarantine"), 0o755); err != nil {
		return nil, fmt.Errorf("moving a corrupt record aside: %w", err)
	}
	if err := os.Rename(path, to); ignoreMissing(err) != nil {
		return nil, fmt.Errorf("moving a corrupt record aside: %w", err)
	}
	return nil, fmt.Errorf("record of %s was corrupt and was moved to %s: %w", fp, to, ErrMissing)
}

// differing names the ports whose digests are not the same in both, sorted.
func differing(a, b map[string]plan.Digest) []string {
	var ports []string
	for p, d := range a {
		if b[p] != d {
			ports = append(ports, p)
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			ports = append(ports, p)
		}
	}
	sort.Strings(ports)
	return ports
}
