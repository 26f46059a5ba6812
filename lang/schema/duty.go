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

// IsDeployment reports whether a block of the type makes a model live, once its gate lets it pass.
func (t *Type) IsDeployment() bool { return t.Yields(ReleasePort) }
