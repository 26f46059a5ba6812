package schema

import "slices"

// Strategy is how a deployment goes from the release that is live to the next one, where that is not at once.
type Strategy struct {
	Role  RouteRole `json:"role" is:"word"`
	Steps []float64 `json:"steps"` // shares of the rows in percent: of a canary rising, each under 100
}

// RouteRole is what a candidate is for while another release is live.
type RouteRole string

const (
	CanaryRoute RouteRole = "canary" // answers a share of the rows
	GreenRoute  RouteRole = "green"  // answers who asks for its version, until all rows are turned to it at once
	ShadowRoute RouteRole = "shadow" // scores a share of the rows that the live model answers, and answers nobody
)

// Valid reports whether it is a strategy: of a role that there is, with steps that are shares.
func (s *Strategy) Valid() bool {
	wrong := func(share float64) bool { return !(share >= 0 && share <= 100) }
	return len(s.Steps) > 0 && !slices.ContainsFunc(s.Steps, wrong) && slices.Contains([]RouteRole{CanaryRoute, GreenRoute, ShadowRoute}, s.Role)
}
