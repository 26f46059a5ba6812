package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// secrets says where those are found that a block hands to its container.
func (p *planner) secrets(b *check.Block) ([]plan.Secret, bool) {
	if p.saved != nil {
		return p.saved.secrets[b.Address], true
	}
	var out []plan.Secret
	for _, r := range b.Refs {
		from := p.m.Blocks[r.Target]
		if from == nil || !from.TypeSpec.Yields(schema.SecretPort) {
			continue
		}
		s := plan.Secret{Name: schema.KeyedName(from.Name, from.Key)}
		if err := json.Unmarshal(orEmpty(from.Meta), &s); err != nil {
			p.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeSecret, Subject: from.Range,
				Summary: fmt.Sprintf("%s: %v", from.Address, err),
			})
			return nil, false
		}
		if (s.Env == "") == (s.File == "") {
			p.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeSecret, Subject: from.Range,
				Summary: fmt.Sprintf("%s is given neither by env nor by file, or by both", from.Address),
				Hint:    `Write one of them: env = "API_TOKEN"`,
			})
			return nil, false
		}
		if s.File != "" && !path.IsAbs(s.File) {
			s.File = path.Join(from.Dir, s.File)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b plan.Secret) int { return cmp.Compare(a.Name, b.Name) })
	return slices.Compact(out), true
}
