package executortest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// laws are what every executor is held to, each with an executor of its own. What each means is said in spec/protocol.md; the stages
// that try them are in the folder stage.
var laws = []struct {
	name string
	try  func(*bench)
}{
	{"the same bytes everywhere", sameBytes},
	{"exit codes are the stage's own", exitCodes},
	{"a cancelled stage is gone", cancelled},
	{"a time-out ends also a stage that does not listen", timeOut},
	{"logs are whole, in order and by lines", logs},
	{"nothing of the caller's environment is handed on", environment},
	{"a limit of memory is kept and named", memory},
	{"walls", walls},
	{"outputs are the caller's, whatever the stage made of them", ownership},
	{"what a stage took is told", traced},
	{"stages run side by side", sideBySide},
	{"an input that is not there is an error", noInput},
	{"an image has its command, environment and secrets", image},
	{"an image has a network if it asks for one", network},
	{"an image that cannot run the command says so", noCommand},
	{"an image that is not there is named", noImage},
}

// wrote is what the stage "bytes" writes, in any executor.
const wrote = "hello, seed 7, 1 threads, k 1, UTC, C\n"

// sameBytes holds the outputs, the figures, the checkpoint and the log to bytes that are written down here: an executor that hands on
// another time zone, locale, seed or number of threads makes others.
func sameBytes(b *bench) {
	x := b.task("bytes")
	x.CPUs = 1
	if got := b.run(x); got.ExitCode != 0 {
		b.Fatalf("got %+v; log %q", got, x.log)
	}
	for file, want := range map[string]string{
		filepath.Join(x.Out, "files", "b.txt"): wrote,
		filepath.Join(x.Out, "metrics.json"):   "{\n  \"bytes\": 38\n}\n",
		filepath.Join(x.Checkpoint, "seen"):    "hello",
	} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			b.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
	if got, want := x.log.String(), "writing 38 bytes\n"; got != want {
		b.Errorf("log: got %q, want %q", got, want)
	}
	b.clean(x)
}

// exitCodes holds that a mistake in the data (78), a wish for another attempt (75), a component that nobody knows (78) and a panic
// (1) are results of the stage and no errors of the executor, each with a message.
func exitCodes(b *bench) {
	for name, want := range map[string]int{
		"bad": component.ExitNever, "retry": component.ExitRetry, "unheard_of": component.ExitNever, "panic": 1,
	} {
		x := b.task(name)
		got := b.run(x)
		if got.ExitCode != want || got.TimedOut || got.OutOfMemory {
			b.Errorf("%s: got %+v, want exit code %d", name, got, want)
		}
		if !strings.Contains(x.log.String(), `"mlp":"error"`) {
			b.Errorf("%s: the log has no message: %q", name, x.log)
		}
		b.clean(x)
	}
}

// cancelled ends stages in the middle, one that listens to its context and one that does not. Run returns the context's error once
// the stage is gone, and runs nothing under a context that has ended.
func cancelled(b *bench) {
	for _, name := range []string{"sleep", "stubborn"} {
		x := b.task(name)
		ctx, cancel := context.WithCancel(b.Context())
		heard := make(chan error, 1)
		go func() {
			heard <- x.log.await("sleeping")
			cancel()
		}()
		if _, err := b.exec.Run(ctx, x.Task); !errors.Is(err, context.Canceled) {
			b.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
		if err := <-heard; err != nil {
			b.Error(err)
		}
		b.clean(x)
		if _, err := b.exec.Run(ctx, x.Task); !errors.Is(err, context.Canceled) {
			b.Errorf("%s, started after the end: got %v, want %v", name, err, context.Canceled)
		}
	}
}

// timeOut holds that a stage which goes on past its time is ended by force. 40 s is what the gentle end before may take, on a busy
// machine.
func timeOut(b *bench) {
	for _, name := range []string{"sleep", "stubborn"} {
		x := b.task(name)
		x.Timeout = 500 * time.Millisecond
		begun := time.Now()
		got := b.run(x)
		if !got.TimedOut || got.OutOfMemory || time.Since(begun) > 40*time.Second {
			b.Errorf("%s: got %+v after %v, want it to time out", name, got, time.Since(begun))
		}
		b.clean(x)
	}
}

// logs holds that both streams arrive whole, each in its order, by whole lines, a last one without an end too. How lines of one
// stream stand between those of the other is left open. A line of 200 KiB comes in pieces of at most 64 KiB.
func logs(b *bench) {
	x := b.task("log")
	b.run(x)
	if x.log.broken != "" {
		b.Errorf("%q was written, want whole lines", x.log.broken)
	}
	var out, errs, long int
	for line := range strings.Lines(x.log.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "line "+strconv.Itoa(out):
			out++
		case line == "error line "+strconv.Itoa(100*errs):
			errs++
		case strings.Trim(line, "x") == "" && len(line) <= 64<<10:
			long += len(line)
		case line != "the last words":
			b.Fatalf("%q comes after line %d and error line %d", line[:min(len(line), 100)], out, 100*errs)
		}
	}
	if out != 5000 || errs != 50 || long != 200<<10 || !strings.Contains(x.log.String(), "the last words\n") {
		b.Errorf("got %d lines, %d of the other stream, a long one of %d bytes", out, errs, long)
	}
}

// environment holds that a stage has the variables of the protocol, and none of whoever started mlp: a key of a cloud that stands
// there is no secret that the stage was given.
func environment(b *bench) {
	b.Setenv("AWS_SECRET_ACCESS_KEY", "not-for-stages")
	x := b.task("env")
	x.CPUs, x.MemoryMB = 1, 512
	b.run(x)
	text := "\n" + x.log.String()
	if strings.Contains(text, "not-for-stages") {
		b.Errorf("a stage has the caller's environment: %q", text)
	}
	for _, want := range []string{"MLP_PROTOCOL=1", "MLP_SEED=7", "MLP_THREADS=1", "MLP_MEMORY_MB=512", "TZ=UTC", "LC_ALL=C"} {
		if !strings.Contains(text, "\n"+want+"\n") {
			b.Errorf("no %s in %q", want, text)
		}
	}
	for _, want := range []string{"MLP_ROOT=/", "MLP_IN_DATA=/", "MLP_OUT_FILES=/", "HOME=/", "TMPDIR=/", "PATH=/"} {
		if !strings.Contains(text, "\n"+want) {
			b.Errorf("no %s… in %q", want, text)
		}
	}
}

// memory holds that a stage which takes more than its limit is ended, and that the result says so instead of leaving an exit code to
// be guessed at.
func memory(b *bench) {
	x := b.task("hungry")
	x.MemoryMB = 128
	if got := b.run(x); !got.OutOfMemory || got.MemoryMB != 128 || got.ExitCode == 0 || got.TimedOut {
		b.Errorf("got %+v, want that it was out of memory; log %q", got, x.log)
	}
	b.clean(x)
}

// walls has a stage try what it must not be able to do. It logs what it could, so an empty log is a pass.
func walls(b *bench) {
	if !b.subject.Walled {
		return // it promises none
	}
	x := b.task("walls")
	if got := b.run(x); got.ExitCode != 0 || x.log.String() != "" {
		b.Errorf("got %+v: a stage %q", got, x.log)
	}
}

// ownership holds that outputs can be read and removed by whoever runs mlp, whatever user the stage was and whatever modes it set.
func ownership(b *bench) {
	x := b.task("closed")
	if got := b.run(x); got.ExitCode != 0 {
		b.Fatalf("got %+v; log %q", got, x.log)
	}
	inner := filepath.Join(x.Out, "files", "inner")
	if err := errors.Join(os.Chmod(inner, 0o700), os.Chmod(filepath.Join(inner, "f"), 0o600)); err != nil {
		b.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(inner, "f")); err != nil || string(got) != "x" {
		b.Errorf("got %q, %v, want what the stage wrote", got, err)
	}
	if err := os.RemoveAll(x.Out); err != nil {
		b.Error(err)
	}
	b.clean(x)
}

// traced holds platform, machine, peak of memory and CPU time to what the stage busy takes. The bounds are wide: memory is sampled,
// and a loaded machine gives little CPU time in four seconds.
func traced(b *bench) {
	x := b.task("busy")
	got := b.run(x).Trace
	host, err := os.Hostname()
	if err != nil {
		b.Fatal(err)
	}
	if !strings.HasPrefix(got.Platform, "linux/") || got.Node != host {
		b.Errorf("it ran on %q, %q, want linux and %q", got.Platform, got.Node, host)
	}
	if got.PeakMemory < 64<<20 || got.PeakMemory > 256<<20 {
		b.Errorf("got a peak of %d bytes, want that of a stage that has 64 MB", got.PeakMemory)
	}
	if got.CPU < 300*time.Millisecond || got.CPU > 20*time.Second {
		b.Errorf("got %v of CPU, want that of a stage that is busy for 4 s", got.CPU)
	}
}

// sideBySide runs four stages at once on one executor; none sees another's log or folders.
func sideBySide(b *bench) {
	var all sync.WaitGroup
	for range 4 {
		x := b.task("bytes")
		all.Go(func() {
			got, err := b.exec.Run(b.Context(), x.Task)
			if err != nil || got.ExitCode != 0 || x.log.String() == "" {
				b.Errorf("got %+v, %v, log %q", got, err, x.log)
			}
		})
	}
	all.Wait()
}

// noInput holds that an input which is not there is an error of Run and no stage that fails: the caller has named what is not.
func noInput(b *bench) {
	x := b.task("bytes")
	x.Inputs = []executor.Input{{Port: "data", Path: filepath.Join(b.TempDir(), "missing")}}
	if got, err := b.exec.Run(b.Context(), x.Task); err == nil {
		b.Errorf("got %+v, want an error", got)
	}
	b.clean(x)
}

// foreign is a task whose image runs a command; nil: the executor runs no images, and says so.
func (b *bench) foreign(command ...string) *trial {
	x := b.task("foreign")
	x.Container = &executor.Container{Command: command, Env: map[string]string{"SUFFIX": " world"}}
	if b.subject.Image == nil {
		if got, err := b.exec.Run(b.Context(), x.Task); !errors.Is(err, executor.ErrUnsupported) {
			b.Errorf("got %+v, %v, want %v", got, err, executor.ErrUnsupported)
		}
		return nil
	}
	x.Container.ImageID = b.subject.Image(b.T, b.self)
	return x
}

// image runs a program that is not mlp: what it knows, it knows from its environment and the files of the protocol.
func image(b *bench) {
	x := b.foreign(ImagePath, "foreign")
	if x == nil {
		return
	}
	secret := filepath.Join(b.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("open sesame"), 0o444); err != nil {
		b.Fatal(err)
	}
	x.Secrets = []executor.Secret{{Name: "token", Path: secret}}
	if got := b.run(x); got.ExitCode != 0 || x.log.String() != "a secret of 11 bytes\n" {
		b.Fatalf("got %+v; log %q", got, x.log)
	}
	if got, err := os.ReadFile(filepath.Join(x.Out, "files", "b.txt")); err != nil || string(got) != "hello world" {
		b.Errorf("got %q, %v, want %q", got, err, "hello world")
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "open sesame" {
		b.Errorf("the secret: got %q, %v, want it as it was", got, err)
	}
	b.clean(x)
}

// network holds that a stage sees a network if its block asks for one, and none but the loopback if not.
func network(b *bench) {
	for _, asked := range []bool{false, true} {
		x := b.foreign(ImagePath, "links")
		if x == nil {
			return
		}
		x.Container.Network = asked
		if got := b.run(x); got.ExitCode != 0 || (x.log.String() == "a network\n") != asked {
			b.Errorf("asked for a network: %t; got %+v; log %q", asked, got, x.log)
		}
		b.clean(x)
	}
}

// noCommand holds exit codes to those of a shell: 127 for a program that is not there, 126 for one that cannot be run.
func noCommand(b *bench) {
	for command, want := range map[string]int{"/bin/python3": 127, "python3": 127, "/": 126} {
		x := b.foreign(command, "train.py")
		if x == nil {
			return
		}
		if got := b.run(x); got.ExitCode != want || !strings.Contains(x.log.String(), "the image cannot run the command") {
			b.Errorf("%s: got %+v, want exit code %d; log %q", command, got, want, x.log)
		}
		b.clean(x)
	}
}

// noImage holds that an image which the engine does not have is an executor.ErrImage, by which the caller says what to build or load.
func noImage(b *bench) {
	x := b.foreign(ImagePath)
	if x == nil {
		return
	}
	x.Container.ImageID = "sha256:" + strings.Repeat("0", 64)
	if got, err := b.exec.Run(b.Context(), x.Task); !errors.Is(err, executor.ErrImage) {
		b.Errorf("got %+v, %v, want %v", got, err, executor.ErrImage)
	}
	b.clean(x)
}
