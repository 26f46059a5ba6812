package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// How an image is built.
//
// The engine's own builder does it, which every engine has behind its API. It gets the Dockerfile with all images named by their IDs, so that it pulls none, and a
// context of the input code alone, whose files have one time and one owner. RUN has no network unless that is asked for, and the memory and processors of the stage.
//
// Of what was built the layers are taken that do not lie in the image below (built.go). Of the engine the image stays, under a name of mlp's, for its steps are the cache of the next
// build; as many as of built-in images.

// buildName is the name of images that were built, before a tag of their own.
const buildName = "mlp-build"

// build builds an image. A Dockerfile that cannot be built is the stage's failure, with the instruction that failed and what it said.
func (e *Executor) build(ctx context.Context, eng engine, t executor.Task) (executor.Result, error) {
	var none executor.Result
	b := t.Container.Build
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.Timeout, errTooLong)
		defer cancel()
	}
	code, err := folder(t, schema.CodePort)
	if err != nil {
		return none, err
	}
	text, err := os.ReadFile(filepath.Join(code, b.Dockerfile))
	if err != nil {
		return none, err
	}
	file, err := dockerfile.Parse(text, b.Target, b.Args)
	if err != nil {
		return none, fmt.Errorf("%s: %w", b.Dockerfile, err) // the plan was not made with this one
	}
	ids, err := e.baseIDs(ctx, b, t.Log)
	if err != nil {
		return none, err
	}
	written, steps, err := file.Written(ids)
	if err != nil {
		return none, err
	}
	log := &buildLog{log: protocol.NewLog(t.Log, t.Mask), file: b.Dockerfile, steps: steps}
	id, err := e.builder(ctx, t, written, filepath.Join(code, b.Context), filepath.Join(code, b.Dockerfile), log)
	switch {
	case errors.Is(context.Cause(ctx), errTooLong):
		return e.traced(ctx, eng, t, executor.Result{TimedOut: true}, nil)
	case ctx.Err() != nil:
		return none, context.Cause(ctx)
	case errors.Is(err, errBuild):
		return e.traced(ctx, eng, t, executor.Result{ExitCode: 1}, nil)
	case err != nil:
		return none, err
	}
	e.pruneBuilt(ctx, id)
	out := filepath.Join(t.Out, string(schema.ImagePort))
	if err := e.takeBuilt(ctx, t, id, b.Images[file.Below()], out); err != nil {
		return none, fmt.Errorf("taking the image out of the engine: %w", err)
	}
	return e.traced(ctx, eng, t, executor.Result{}, nil)
}

var (
	errTooLong = errors.New("the time-out of the build is over")
	// errBuild: an instruction failed, which the log tells.
	errBuild = errors.New("the image could not be built")
)

// folder is that of an input.
func folder(t executor.Task, port string) (string, error) {
	for _, in := range t.Inputs {
		if in.Port == port {
			return in.Path, nil
		}
	}
	return "", fmt.Errorf("%s has no input %s", t.Address, port)
}

// baseIDs are the IDs of the images that a build rests on; those that stages made are loaded, those that a registry has are pulled. One that is gone is an executor.ErrImage.
func (e *Executor) baseIDs(ctx context.Context, b *executor.Build, log io.Writer) (map[string]string, error) {
	ids := map[string]string{}
	for name, x := range b.Images {
		var err error
		if ids[name], err = e.imageOf(ctx, &executor.Container{Image: name, ImageID: x.ID, Made: x.Made}, log); err != nil || x.Made != nil {
			// it is there, or cannot be had
		} else if _, err = e.api.ImageInspect(ctx, ids[name]); cerrdefs.IsNotFound(err) {
			err = fmt.Errorf("%w: %s, which was %s when the plan was made", executor.ErrImage, name, x.ID)
		} else if err != nil {
			err = engineError("looking for the image "+name, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// builder hands a context to the engine's builder and returns the ID of what it built.
func (e *Executor) builder(ctx context.Context, t executor.Task, text []byte, folder, leave string, log *buildLog) (string, error) {
	b := t.Container.Build
	o := build.ImageBuildOptions{
		Version: build.BuilderV1, Dockerfile: builtBy, Tags: []string{buildName + ":" + tag(t.Fingerprint)}, NetworkMode: network.NetworkNone, Remove: true, ForceRemove: true,
		Memory: t.MemoryMB << 20, MemorySwap: t.MemoryMB << 20, BuildArgs: map[string]*string{},
	}
	if t.CPUs > 0 {
		o.CPUPeriod, o.CPUQuota = 100_000, int64(t.CPUs*100_000)
	}
	if t.Container.Network {
		o.NetworkMode = network.NetworkDefault
	}
	for name, value := range b.Args {
		o.BuildArgs[name] = &value
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(packContext(w, text, folder, leave)) }()
	defer r.Close()
	resp, err := e.api.ImageBuild(ctx, r, o)
	if err != nil {
		if cerrdefs.IsInvalidArgument(err) {
			return "", log.fail(err.Error())
		}
		return "", engineError("building an image", err)
	}
	defer resp.Body.Close()
	id, err := log.read(resp.Body)
	if err != nil && !errors.Is(err, errBuild) {
		return "", engineError("building an image", err)
	}
	return id, err
}

// tag is a short name of a fingerprint.
func tag(fingerprint string) string {
	hex := strings.TrimPrefix(fingerprint, digest.Prefix)
	return hex[:min(12, len(hex))]
}

// builtBy is the name of the Dockerfile in the context, and ignoring the file by which the engine takes both out again before anything is copied.
const (
	builtBy  = ".mlp-dockerfile"
	ignoring = ".dockerignore"
)

// packContext writes the context: the files of a folder without the Dockerfile itself, of one time, owner and mode, so that what is copied is the same wherever it is
// built. All can be run: whether one could in the module is no part of the code.
func packContext(to io.Writer, text []byte, folder, leave string) error {
	t := tar.NewWriter(to)
	at := time.Unix(dockerfile.Epoch, 0)
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == folder || path == leave {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(name), Typeflag: tar.TypeReg, Mode: 0o755, Size: info.Size(), ModTime: at}
		if d.IsDir() {
			h.Typeflag, h.Size, h.Name = tar.TypeDir, 0, h.Name+"/"
			return t.WriteHeader(h)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		return err
	})
	if errors.Is(err, os.ErrNotExist) { // no file of the folder is copied
		err = nil
	}
	if err == nil {
		err = errors.Join(writeEntry(t, builtBy, 0o644, int64(len(text)), bytes.NewReader(text)),
			writeEntry(t, ignoring, 0o644, int64(len(builtBy+"\n"+ignoring)), strings.NewReader(builtBy+"\n"+ignoring)))
	}
	return errors.Join(err, t.Close())
}

// buildLog turns what the builder says into the log of a stage: instructions by their lines in the Dockerfile, and what they print.
type buildLog struct {
	log   *protocol.Log
	file  string
	steps []dockerfile.Step
	at    int // the step that runs, from 1
	last  []string
}

// lastLines is how many lines of output a failure shows.
const lastLines = 12

var (
	stepLine = lazyregexp.New(`^Step ([0-9]+)/([0-9]+) : `)
	// talk is what the builder says besides: IDs of images and containers, which differ each time.
	talk = lazyregexp.New(`^( ---> |Removing intermediate container |Successfully (built|tagged) |\[Warning\])`)
)

// uncoloured takes out the red that the builder gives to what RUN prints as errors.
var uncoloured = strings.NewReplacer("\x1b[91m", "", "\x1b[0m", "")

// read reads the builder's answer to its end.
func (l *buildLog) read(from io.Reader) (id string, err error) {
	out := l.log.Stream()
	defer func() { err = errors.Join(err, out.Close(), l.log.Err()) }()
	var rest string
	line := func(text string) error {
		switch m := stepLine().FindStringSubmatch(text); {
		case m != nil:
			return l.step(out, m[1])
		case talk().MatchString(text) || text == "":
			return nil
		}
		if l.last = append(l.last, text); len(l.last) > lastLines {
			l.last = l.last[1:]
		}
		_, err := fmt.Fprintln(out, text)
		return err
	}
	for messages := json.NewDecoder(from); ; {
		var m jsonmessage.JSONMessage
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", err
		}
		if m.Error != nil {
			if rest != "" {
				if err := line(rest); err != nil {
					return "", err
				}
			}
			return "", l.told(out, m.Error.Message)
		}
		if m.Aux != nil {
			var built struct{ ID string }
			if json.Unmarshal(*m.Aux, &built) == nil && built.ID != "" {
				id = built.ID
			}
		}
		lines := strings.Split(rest+uncoloured.Replace(m.Stream), "\n")
		for _, text := range lines[:len(lines)-1] {
			if err := line(strings.TrimRight(text, "\r")); err != nil {
				return "", err
			}
		}
		rest = lines[len(lines)-1]
	}
	if id == "" {
		return "", errors.New("the engine built an image, and does not say which")
	}
	return id, nil
}

// step is the beginning of an instruction, which is told by its line. What this mlp added is not told.
func (l *buildLog) step(out io.Writer, number string) error {
	if _, err := fmt.Sscanf(number, "%d", &l.at); err != nil || l.at > len(l.steps) {
		return err
	}
	l.last = nil
	s := l.steps[l.at-1]
	if l.at > 1 && l.steps[l.at-2].Line == s.Line {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s:%d: %s\n{\"mlp\":\"progress\",\"done\":%d,\"total\":%d}\n", l.file, s.Line, s.Text, l.at-1, len(l.steps))
	return err
}

// fail tells of a failure before any instruction ran.
func (l *buildLog) fail(why string) error {
	out := l.log.Stream()
	err := l.told(out, why)
	return errors.Join(err, out.Close(), l.log.Err())
}

// returned is how the builder says that a RUN failed.
var returned = lazyregexp.New(`^The command '.*' returned a non-zero code: ([0-9]+)`)

// told writes the failure of the instruction that ran, and is errBuild.
func (l *buildLog) told(out io.Writer, why string) error {
	summary, detail := why, strings.Join(l.last, "\n")
	if m := returned().FindStringSubmatch(strings.ReplaceAll(why, "\n", " ")); m != nil {
		summary = "it ended with exit code " + m[1]
		if m[1] == "137" {
			summary += ": it was killed, as when it needs more memory than the block's memory_mb"
		}
	}
	if l.at > 0 {
		s := l.steps[l.at-1]
		summary = fmt.Sprintf("%s:%d: %s: %s", l.file, s.Line, short(s.Text), summary)
	} else {
		summary = l.file + ": " + summary
	}
	message, err := json.Marshal(map[string]string{"mlp": "error", "summary": summary, "detail": detail})
	if err == nil {
		_, err = fmt.Fprintf(out, "error: %s\n%s\n", summary, message)
	}
	return errors.Join(errBuild, err)
}

// short is an instruction for a message.
func short(text string) string {
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}

// pruneBuilt removes the images that were built longest ago, but not the given one. Failing to prune fails nothing.
func (e *Executor) pruneBuilt(ctx context.Context, inUse string) {
	list, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", buildName))})
	if err != nil {
		return
	}
	var all []loaded
	for _, i := range list {
		if found, err := e.api.ImageInspect(ctx, i.ID); err == nil && i.ID != inUse {
			all = append(all, loaded{i.ID, found.Metadata.LastTagTime})
		}
	}
	for _, id := range stale(all, keptImages) {
		_, _ = e.api.ImageRemove(ctx, id, image.RemoveOptions{Force: true, PruneChildren: true})
	}
}
