package plan_test

import (
	"fmt"
	"log"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// A program that reviews plans: what runs and why, and what a gate still waits for.
func ExampleRead() {
	data, err := os.ReadFile("../../spec/plans/1.0/one_attribute.json")
	if err != nil {
		log.Fatal(err)
	}
	p, err := plan.Read(data)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range p.Changes {
		fmt.Printf("%s of %s: %s, was %s\n", c.Cause.Path, c.Address, c.Cause.After, c.Cause.Before)
		fmt.Println("runs", c.Runs, "and may run", c.MayRun)
	}
	for _, g := range p.Gates {
		for _, r := range g.Rules.Rules {
			if r.Verdict == plan.Open {
				fmt.Println(g.Address, "waits for:", r.Residual)
			}
		}
	}
	// Output:
	// params.trees of train.model: 400, was 300
	// runs [train.model] and may run [deploy.review evaluate.holdout evaluate.holdout@champion]
	// gate.release waits for: evaluate.holdout.metrics.recall >= 0.7
	// gate.release waits for: evaluate.holdout.metrics.fpr <= 0.012
	// gate.release waits for: evaluate.holdout.delta.auc.low > -0.005
	// gate.release waits for: evaluate.holdout.fairness.age_band.equalized_odds_difference.low < 0.1
	// gate.release waits for: evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)
}
