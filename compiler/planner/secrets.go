package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// secrets says where those are found that a block hands to its container; false after a diagnostic. Values are never
// read here: a plan is shown to many.
func (p *planner) secrets(b *check.Block) ([]plan.Secret, bool) {
	if p.saved != nil {
		return p.saved.secrets[b.Address], true
	}
	out, wrong := Secrets(b.Block, func(address string) *resolve.Block {
		if from := p.m.Blocks[address]; from != nil {
			return from.Block
		}
		return nil
	})
	if wrong != nil {
		p.report(*wrong)
	}
	return out, wrong == nil
}

// Secrets says where those are found that a block refers to, sorted by name, each once. block is the one at an address,
// or nil. The diagnostic is of a secret block that names no place, or two.
//
// Of secret "token" { file = "token.txt" } in the module below ml/scoring comes {Name: "token", File: "ml/scoring/token.txt"}. What the file
// holds is no part of any plan, definition or fingerprint: another password makes no other result.
func Secrets(b *resolve.Block, block func(address string) *resolve.Block) ([]plan.Secret, *source.Diagnostic) {
	var out []plan.Secret
	for _, r := range b.Refs {
		from := block(r.Target)
		if from == nil || !from.TypeSpec.Yields(schema.SecretPort) {
			continue
		}
		s := plan.Secret{Name: schema.KeyedName(from.Name, from.Key)}
		if err := json.Unmarshal(orEmpty(from.Meta), &s); err != nil {
			return nil, &source.Diagnostic{
				Severity: source.Error, Code: source.CodeSecret, Subject: from.Range,
				Summary: fmt.Sprintf("%s: %v", from.Address, err),
			}
		}
		if (s.Env == "") == (s.File == "") {
			return nil, &source.Diagnostic{
				Severity: source.Error, Code: source.CodeSecret, Subject: from.Range,
				Summary: fmt.Sprintf("%s is given neither by env nor by file, or by both", from.Address),
				Hint:    `Write one of them: env = "API_TOKEN"`,
			}
		}
		// A file is named from the folder of the module that declares the secret. The value is read where the stage runs,
		// and never here.
		if s.File != "" && !path.IsAbs(s.File) {
			s.File = path.Join(from.Dir, s.File)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b plan.Secret) int { return cmp.Compare(a.Name, b.Name) })
	return slices.Compact(out), nil
}
