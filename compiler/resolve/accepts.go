package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Accept takes what is recorded of a stage as the result of another definition of it. Whether that definition is the
// stage's is asked when a plan is made.
type Accept struct {
	Address    string
	Definition string // the beginning of its digest, "blake3:" included
	Reason     string
	Range      source.Range // of the block's header
	At         source.Range // of the definition
	r          *resolver
	b          *syntax.Block
}

// acceptedDigits is how much of a digest an accept block must have: 16 hexadecimal digits are 64 bits, enough that no
// other definition has them by chance.
const acceptedDigits = 16

// definitionForm is the digest of a definition, or its beginning of at least acceptedDigits digits.
var definitionForm = lazyregexp.New(fmt.Sprintf(`^blake3:[0-9a-f]{%d,64}$`, acceptedDigits))

// AcceptedDefinition is as much of a definition's digest as an accept block names it by: "blake3:0a1b2c3d4e5f6071".
func AcceptedDefinition(digest string) string {
	return digest[:min(len(digest), len("blake3:")+acceptedDigits)]
}

// Acceptable reports whether what blocks of a type yield can be taken as good for another definition: tables and models
// can, verdicts, figures and releases cannot, since others decide by them.
func Acceptable(t *schema.Type) bool { return refused(t) == "" }

// accept notes an accept block whose arguments are sound. Whether the stage is there is asked when all modules are
// resolved.
func (r *resolver) accept(b *syntax.Block, p parts) {
	address, _ := p.config["block"].(string)
	definition, _ := p.config["definition"].(string)
	reason, _ := p.config["reason"].(string)
	a := b.Attrs["definition"]
	switch {
	case address == "" || a == nil || b.Attrs["reason"] == nil:
		return // told already
	case definition != "" && !definitionForm().MatchString(definition):
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeAccept, Subject: a.Range,
			Summary: fmt.Sprintf("%q is no digest of a definition", definition),
			Detail:  fmt.Sprintf("It is \"blake3:\" and at least %d hexadecimal digits.", acceptedDigits),
			Hint:    "'mlp explain " + address + "' prints it",
		})
	case strings.TrimSpace(reason) == "" && p.config["reason"] != nil:
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeAccept, Subject: b.Attrs["reason"].Range,
			Summary: "an acceptance has a reason",
			Detail:  "It is recorded, and shown to whoever relies on the result.",
		})
	case definition != "" && reason != "":
		r.out.Accepts = append(r.out.Accepts, &Accept{Address: address, Definition: definition, Reason: strings.TrimSpace(reason), Range: b.Header, At: a.Range, r: r, b: b})
	}
}

// checkAccepts adds diagnostics for accept blocks that cannot be carried out, and leaves the others in Module.Accepts, sorted by address.
// Of two acceptances of one stage the first in the order of the text stays, so that later steps look at one.
func (s *shared) checkAccepts() {
	first := map[string]*Accept{}
	s.out.Accepts = slices.DeleteFunc(s.out.Accepts, func(a *Accept) bool {
		if other := first[a.Address]; other != nil {
			a.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeAccept, Subject: a.b.Attrs["block"].Range,
				Summary: a.Address + " is accepted twice",
				Detail:  "A stage has one definition, and one acceptance.",
				Hint:    "remove the older one",
				Related: []source.Related{{Message: "the other one is here", Range: other.Range}},
			})
			return true
		}
		first[a.Address] = a
		return !s.acceptable(a)
	})
	slices.SortFunc(s.out.Accepts, func(a, b *Accept) int { return strings.Compare(a.Address, b.Address) })
}

// acceptable reports whether an accept block names one stage whose result may be taken as it is. What is wrong is told, but
// for an address that may stand in a file with mistakes of syntax: there nobody knows yet.
func (s *shared) acceptable(a *Accept) bool {
	refuse := func(d source.Diagnostic) bool {
		d.Severity, d.Code, d.Subject = source.Error, source.CodeAccept, a.b.Attrs["block"].Range
		a.r.report(d)
		return false
	}
	in := s.blocks[a.Address]
	switch {
	case in == nil && (a.r.in.Incomplete || a.r.unclear(a.Address)):
		return false
	case in == nil && s.there(a.Address):
		return refuse(source.Diagnostic{Summary: a.Address + " is more than one stage", Detail: "Each stage is accepted by itself, for each has a definition of its own."})
	case in == nil:
		return refuse(source.Diagnostic{Summary: "there is no " + a.Address, Hint: suggest.DidYouMean(a.Address, s.ofKind(address.Kind(a.Address)))})
	}
	if why := refused(in.TypeSpec); why != "" {
		return refuse(source.Diagnostic{Summary: a.Address + " cannot be accepted", Detail: why})
	}
	return true
}

// refused says why what a block yields cannot be taken as good unseen; empty if it can.
// The kinds of results are told apart by their ports alone: a component that is added later falls under the rule that
// its ports say.
func refused(t *schema.Type) string {
	own := schema.OwnPort(t.Out)
	has := func(p schema.PortType) bool {
		return slices.ContainsFunc(t.Out, func(x schema.Port) bool { return x.Type == p })
	}
	switch {
	case has(schema.VerdictPort):
		return "What it finds is a verdict, and that something has passed cannot be taken as read. A rule's severity and approvals say what may pass."
	case has(schema.ReleasePort):
		return "What it releases is what it is given, so there is no result of its own to keep."
	case t.Version == 0:
		return "It computes nothing, so it has no result that could be kept."
	case own != nil && own.Type == schema.FiguresPort:
		return "Its figures are what gates decide by, and are measured as declared. Accept the model or the table that it measures."
	}
	return ""
}
