package process_test

import (
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/executortest"
	"github.com/mlp-lang/mlp/runtime/executor/process"
)

func TestConformance(t *testing.T) {
	executortest.Run(t, executortest.Subject{New: func(t *testing.T, self string) executor.Executor {
		e, err := process.New(process.Options{SelfPath: self})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}})
}
