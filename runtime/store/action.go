package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	data, err := encode(a)
	if err != nil {
		return nil, err
	}
	err = s.WriteNew(path, data)
	if err == nil {
		return &a, nil
	}
	if !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	first, err := s.Action(a.Fingerprint)
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		if _, err := s.moveAside(path, "action-"+filepath.Base(path)); err != nil {
			return nil, fmt.Errorf("moving a damaged record aside: %w", err)
		}
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
	data, err := encode(a)
	if err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if _, err := s.moveAside(path, "action-"+filepath.Base(path)); err != nil {
			return fmt.Errorf("moving a damaged record aside: %w", err)
		}
	}
	if err := s.Replace(path, data); err != nil {
		return fmt.Errorf("recording a result: %w", err)
	}
	return nil
}

// sealedAction is what a record is called in its file.
const sealedAction = "action"

func encode(a plan.Action) ([]byte, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("recording a result: %w", err)
	}
	data, _ := Seal(sealedAction, body)
	return data, nil
}

// Action returns what a fingerprint yields, or an error that is ErrMissing: a DamagedError where the record is there and
// cannot be relied on. Nothing is changed.
func (s *Store) Action(fp plan.Digest) (*plan.Action, error) {
	path, err := s.actionPath(fp)
	if err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &DamagedError{fp, path, "is no file"}
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("result of %s: %w", fp, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	body, _, err := Unseal(sealedAction, data)
	if err != nil {
		return nil, &DamagedError{fp, path, err.Error()}
	}
	var a plan.Action
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return nil, &DamagedError{fp, path, "cannot be read: " + err.Error()}
	case a.Fingerprint != fp || a.Outputs == nil:
		return nil, &DamagedError{fp, path, "is the record of another stage"}
	}
	return &a, nil
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
