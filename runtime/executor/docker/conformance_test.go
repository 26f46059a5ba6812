package docker

import (
	"context"
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/executortest"
)

func TestConformance(t *testing.T) {
	requireEngine(t)
	executortest.Run(t, executortest.Subject{Walled: true, Done: removeImage, New: func(t *testing.T, self string) executor.Executor {
		e, err := New(context.Background(), Options{SelfPath: self})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}})
}
