package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Find collects what is recorded of an address.
// A record that is damaged is no error: Damaged tells of it, and the rest is what the state has. One that is gone
// leaves the fields of the record empty. An address of which nothing is recorded is the error of NotRecorded.
//
// A deployment's only output is the model that is live.
func (s *Session) Find(address string) (*ledger.Block, error) {
	out := &ledger.Block{Address: address}
	node, isNode := s.State.Nodes[address]
	if isNode {
		out.Fingerprint, out.Definition, out.Config = node.Fingerprint, node.Definition, node.Config
		out.Inputs, out.Outputs, out.Check = node.Inputs, node.Outputs, node.Check
		action, err := s.Store.Action(node.Fingerprint)
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return nil, err
		}
		var damaged *store.DamagedError
		if errors.As(err, &damaged) {
			out.Damaged = fmt.Sprintf("%s %s", s.w.inFolder(damaged.File), damaged.Why)
		}
		if err == nil {
			out.Component, out.Metrics, out.Warnings = action.Component, action.Figures, action.Warnings
			out.DurationMS, out.Platform, out.Executor = action.DurationMS, action.Platform, action.Executor
			out.Node, out.CPUMS, out.PeakMemory = action.Node, action.CPUMS, action.PeakMemory
		}
	}
	if g, ok := s.State.Gates[address]; ok {
		g.Approvals = slices.Clone(g.Approvals)
		for i, a := range g.Approvals { // one that was given since the gate was decided
			if given, ok := s.State.Approvals[address+"/"+a.Name]; ok && a.Given == nil && given.Subject == g.Subject {
				g.Approvals[i].GivenBy, g.Approvals[i].Given = given.By, given.Given()
			}
		}
		out.Gate = &g
	}
	if r, ok := s.State.Releases[address]; ok {
		out.Release = &r
		if out.Outputs == nil {
			out.Outputs = map[string]plan.Digest{"model": r.Model}
		}
	}
	for key, h := range s.State.Hypotheses {
		if problem, name, _ := strings.Cut(key, "/"); problem == address {
			if out.Hypotheses == nil {
				out.Hypotheses = map[string]plan.HypothesisState{}
			}
			out.Hypotheses[name] = h
		}
	}
	if !isNode && out.Gate == nil && out.Release == nil && out.Hypotheses == nil {
		return nil, s.NotRecorded(address)
	}
	return out, nil
}

// All is what is recorded of all blocks, sorted by address, each once: a gate, and a deployment with a stage of its own, have several things
// recorded under one address.
func (s *Session) All() ([]*ledger.Block, error) {
	var all []*ledger.Block
	addresses := append(sortedKeys(s.State.Nodes), append(sortedKeys(s.State.Gates), sortedKeys(s.State.Releases)...)...)
	slices.Sort(addresses)
	for _, address := range slices.Compact(addresses) {
		x, err := s.Find(address)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// Save copies the outputs of a block out of the store to a folder, which it makes, and returns their ports.
// With several ports each has a folder of its own below; with one, its files lie in the folder itself. Each output is
// held to its digest before it is copied. After an error the folder is removed, with all that was copied before it.
func (s *Session) Save(ctx context.Context, x *ledger.Block, folder string) ([]string, error) {
	if _, err := os.Lstat(folder); err == nil {
		return nil, fmt.Errorf("%s exists already; --save takes a folder to be made", folder)
	}
	outputs := map[string]plan.Digest{}
	for port, d := range x.Outputs {
		if d != "" {
			outputs[port] = d
		}
	}
	if len(outputs) == 0 {
		return nil, fmt.Errorf("%s has no outputs to save", x.Address)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	for _, port := range sortedKeys(outputs) {
		dest := folder
		if len(outputs) > 1 {
			dest = folder + "/" + port
		}
		if err := s.copyOut(ctx, outputs[port], dest); err != nil {
			return nil, s.notSaved(x.Address, port, folder, err)
		}
	}
	return sortedKeys(outputs), nil
}

// notSaved takes a half-written folder away again, and says how an output that is gone from the store is made anew.
func (s *Session) notSaved(address, port, folder string, err error) error {
	missing := errors.Is(err, store.ErrMissing)
	err = errors.Join(fmt.Errorf("saving %s of %s: %w", port, address, err), os.RemoveAll(folder))
	if missing && s.State.Nodes[address].Fingerprint != "" {
		return &Failure{Err: err, Hint: "To have it made again: " + s.w.Command("apply")}
	}
	return err
}

// copyOut writes a directory object as files of the user's own: the store's are read-only and shared.
// Files are read whole: the largest file of an object must fit in memory.
func (s *Session) copyOut(ctx context.Context, d plan.Digest, dest string) error {
	if err := s.Store.Verify(ctx, d); err != nil {
		return err
	}
	dir, err := s.Store.OpenDir(d)
	if err != nil {
		return err
	}
	for _, e := range dir.Files {
		data, err := s.Store.ReadFile(d, e.Name)
		if err != nil {
			return err
		}
		path := Absolute(dest, e.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// NotRecorded is the error of an address of which nothing is recorded. It tells three cases apart: a block of the module that was never
// applied; a name that is near one that there is; and any other. Without a module, as of a session of which only what is recorded was
// opened, only recorded addresses are proposed.
func (s *Session) NotRecorded(address string) error {
	var blocks []string
	if s.Module != nil {
		blocks = sortedKeys(s.Module.Blocks)
	}
	if slices.Contains(blocks, address) {
		return &Failure{Err: fmt.Errorf("nothing is recorded of %s yet", address), Hint: "'mlp apply' runs what is missing."}
	}
	hint := "'mlp show' lists what is recorded, 'mlp graph' all blocks."
	if near := suggest.Near(address, append(blocks, sortedKeys(s.State.Nodes)...)); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return &Failure{Err: fmt.Errorf("there is no %s", address), Hint: hint}
}

// Requirements traces each requirement to what verifies it, as last decided.
func (s *Session) Requirements() ([]trace.Requirement, error) {
	return trace.Requirements(s.Module, s.State, s.figuresOf)
}

// figuresOf returns what is recorded of a stage's figures.
func (s *Session) figuresOf(address string) (json.RawMessage, bool, error) {
	node, ok := s.State.Nodes[address]
	if !ok {
		return nil, false, nil
	}
	action, err := s.Store.Action(node.Fingerprint)
	if errors.Is(err, store.ErrMissing) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return action.Figures, len(action.Figures) > 0, nil
}
