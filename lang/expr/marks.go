package expr

import "github.com/zclconf/go-cty/cty"

// sensitive marks a value that must not be written down, and all that is computed from it.
type sensitive struct{}

// Sensitive returns v marked as not to be written down: not in a plan, a state, a log or a message.
func Sensitive(v cty.Value) cty.Value { return v.Mark(sensitive{}) }

// IsSensitive tells whether v is, holds, or was computed from a value that must not be written down.
func IsSensitive(v cty.Value) bool { return v.HasMarkDeep(sensitive{}) }
