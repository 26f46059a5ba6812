package cli

import (
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// planFile reads a saved plan.
func planFile(path string) (*plan.Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	p, err := plan.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
