package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// walls passes a program's log on, and remembers whether a line tells that the program met a wall of its container: a program that takes it for granted that it is
// root says no more than "Permission denied".
type walls struct {
	to  io.Writer
	met bool
}

// said is how programs tell it: the words of the C library, of Python and of Go.
var said = [][]byte{[]byte("ermission denied"), []byte("peration not permitted"), []byte("ead-only file system")}

// Write passes p on.
func (w *walls) Write(p []byte) (int, error) {
	for _, words := range said {
		w.met = w.met || bytes.Contains(p, words)
	}
	return w.to.Write(p)
}

// explainImage adds to the log of a program that failed what it can't know: that its image is for another machine, or that it is not root. An image that the
// engine does not have any more says nothing.
func (e *Executor) explainImage(ctx context.Context, eng engine, t executor.Task) {
	if t.Container == nil || t.Log == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if image, err := e.api.ImageInspect(ctx, t.Container.ImageID); err == nil && image.Architecture != "" && image.Architecture != eng.arch {
		fmt.Fprintf(t.Log, "note: the image is for %s/%s, and the engine runs linux/%s; load the image for that, or an emulator\n", image.Os, image.Architecture, eng.arch)
	}
	if w, ok := t.Log.(*walls); ok && w.met {
		fmt.Fprintf(t.Log, "note: a program runs as no root, with a read-only root file system: what it writes goes to its outputs, /tmp and /mlp/checkpoint, and what it reads of its image must be readable by all\n")
	}
}
