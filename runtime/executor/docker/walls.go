package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// walls passes a program's log on, and remembers whether a line tells that the program met a wall of its container, or could not be run by its machine: a program
// that takes it for granted that it is root says no more than "Permission denied".
type walls struct {
	to           io.Writer
	met, foreign bool
}

// said is how programs tell it: the words of the C library, of Python and of Go.
var said = [][]byte{[]byte("ermission denied"), []byte("peration not permitted"), []byte("ead-only file system")}

// Write passes p on.
func (w *walls) Write(p []byte) (int, error) {
	for _, words := range said {
		w.met = w.met || bytes.Contains(p, words)
	}
	w.foreign = w.foreign || bytes.Contains(p, []byte("xec format error"))
	return w.to.Write(p)
}

// explainImage adds to the log of a program that failed what it can't know: that its image is for another machine, or that it is not root. An image that the
// engine does not have any more says nothing.
func (e *Executor) explainImage(ctx context.Context, eng engine, t executor.Task) {
	if t.Container == nil || t.Log == nil {
		return
	}
	if platform := e.platform(ctx, t.Container); platform != "" && !strings.HasPrefix(platform+"/", "linux/"+eng.arch+"/") {
		fmt.Fprintf(t.Log, "note: the image is for %s, and the engine runs linux/%s; load the image for that, or an emulator\n", platform, eng.arch)
		return
	}
	w, ok := t.Log.(*walls)
	if ok && w.foreign {
		fmt.Fprintf(t.Log, "note: a file that was to be run is no program for linux/%s, or a script without a #! line\n", eng.arch)
	}
	if ok && w.met {
		fmt.Fprintf(t.Log, "note: a program runs as no root, with a read-only root file system: what it writes goes to its outputs, /tmp and /mlp/checkpoint, and what it reads of its image must be readable by all\n")
	}
}

// platform is that of a program's image, "linux/amd64"; empty where nobody says.
func (e *Executor) platform(ctx context.Context, c *executor.Container) string {
	if c.Made != nil && c.Made.Platform != "" {
		return c.Made.Platform
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	image, err := e.api.ImageInspect(ctx, c.ImageID)
	if err != nil || image.Architecture == "" {
		return ""
	}
	return image.Os + "/" + image.Architecture
}
