package schema

import "slices"

// What the compiler and the engine do for a block besides running its stage goes by its ports, not by the name of its kind.

// Yields reports whether blocks of the type have a port that carries this.
func (t *Type) Yields(p PortType) bool {
	return t != nil && slices.ContainsFunc(t.Out, func(o Port) bool { return o.Type == p })
}

// IsGate reports whether a block of the type is decided by the compiler and the engine themselves: it has a verdict, and no stage
// that computes it.
func (t *Type) IsGate() bool { return t.Yields(VerdictPort) && t.Version == 0 }

// IsCheck reports whether a block of the type has a stage whose figures its rules decide on, and a verdict that others wait for.
func (t *Type) IsCheck() bool { return t.Yields(VerdictPort) && t.Version > 0 }

// IsSource reports whether a block of the type makes a table of files from outside.
func (t *Type) IsSource() bool { return t != nil && t.External && t.Yields(TablePort) }

// Pinned reports whether the version of what a block of the type reads from outside is pinned for all who plan: that of data and of models.
// Figures of a script are another at each of its runs, and a log has more at each plan.
func (t *Type) Pinned() bool {
	return t != nil && t.External && !t.Grows && (t.Yields(TablePort) || t.Yields(ModelPort))
}

// Splits reports whether a block of the type keeps rows apart on sides.
func (t *Type) Splits() bool {
	return t != nil && slices.ContainsFunc(t.Out, func(o Port) bool { return o.Side != "" })
}

// PortOf is the name of the port that carries a side; empty if there is none.
func (t *Type) PortOf(side Side) string {
	for _, o := range t.Out {
		if o.Side == side {
			return o.Name
		}
	}
	return ""
}

// SideOf is the side that a port carries; empty if it carries none.
func (t *Type) SideOf(port string) Side {
	for _, o := range t.Out {
		if o.Name == port {
			return o.Side
		}
	}
	return ""
}

// Takes reports whether an attribute is a reference to what a port of that type carries.
func (a *Attr) Takes(p PortType) bool { return a != nil && slices.Contains(a.Ports, p) }

// IsDeployment reports whether a block of the type makes a model live, once its gate lets it pass.
func (t *Type) IsDeployment() bool { return t.Yields(ReleasePort) }

const (
	// ProtectedInDecisions is the argument of the pipeline that says whether rows may be treated by protected columns: with Allow, its default, or not (Refuse).
	ProtectedInDecisions = "protected_in_decisions"
	Allow                = "allow"
	Refuse               = "refuse"
	// Keep is the argument of the pipeline that says how long results are kept; KeepResults is its default.
	Keep = "keep"
	// LeastPositives are how many positive rows a figure of two classes must rest on where min_positives says nothing.
	LeastPositives = 10
	// KeepResults is how long results are kept that others took the place of.
	KeepResults = "90d"
	// DriftDistance is the least distance that is drift where a monitor has no limit.
	DriftDistance = 0.1
)

// PolicyDefault is what counts where a block says nothing of a policy with a default: "90d" for keep. Such defaults are no Attr.Default, since a policy that
// nobody wrote is no part of the state.
func PolicyDefault(path string) (value string, ok bool) {
	switch path {
	case Keep:
		return KeepResults, true
	case ProtectedInDecisions:
		return Allow, true
	case "cool_down":
		return DefaultCoolDown, true
	case "timezone":
		return "UTC", true
	}
	return "", false
}
