package docker

import (
	"context"
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/executortest"
)

// TestConformance: a container for each stage.
func TestConformance(t *testing.T) {
	requireEngine(t)
	executortest.Run(t, subject())
}

// TestWorkersConform: containers that stay.
func TestWorkersConform(t *testing.T) {
	requireEngine(t)
	s := subject()
	s.Stays = true
	executortest.Run(t, s)
}

func subject() executortest.Subject {
	return executortest.Subject{Walled: true, Done: removeImage, Image: imageOf, New: func(t *testing.T, self string) executor.Executor {
		e, err := New(context.Background(), Options{SelfPath: self})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}}
}

// imageOf is the image that built-in components run in, which has the binary.
func imageOf(t *testing.T, self string) string {
	e, err := New(context.Background(), Options{SelfPath: self})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	id, err := e.image.get(context.Background(), e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
