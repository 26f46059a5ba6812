// Package executor says what an executor is: whoever runs one stage under the stage protocol (spec/protocol.md),
// in a container, as a process, on a cluster. It holds the vocabulary only; each executor has a package of its own.
package executor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Executor runs stages. It is safe for concurrent use.
type Executor interface {
	// Name is "docker", "kubernetes" or "process".
	Name() string
	// Run runs one attempt and returns when it has ended and nothing of it is left. A stage that fails is a Result,
	// not an error; errors are the executor's own troubles, one of those below where it fits.
	Run(ctx context.Context, t Task) (Result, error)
	// Close frees connections; tasks must have ended.
	Close() error
}

// What an executor can do besides. Callers ask for it by type assertion, and go without where it is missing:
//
//	if c, ok := ex.(executor.Cleaner); ok { … }
type (
	// Cleaner finds in its engine what dead applies of a workspace left, and removes it. It returns how many there were. The caller
	// holds the workspace's lock, so that no other apply of it is alive; none of the executor's own tasks may run.
	Cleaner interface {
		Cleanup(ctx context.Context, pipeline, workspace string) (int, error)
	}
	// Resolver returns the id of an image that is there, or in the registry that its name says, and its platform, "linux/amd64". One that is not is ErrImage. Nothing is
	// pulled before a stage runs in it.
	Resolver interface {
		Resolve(ctx context.Context, image string) (id, platform string, err error)
	}
	// Placer says which resources it sees to besides memory and processors, by the names of the attributes that ask for them: "gpus".
	Placer interface {
		Places() []string
	}
	// OnMachine runs all tasks on one machine, and says what they have there together, in MiB and processors; 0: not known.
	OnMachine interface {
		Machine(ctx context.Context) (memoryMB int64, cpus float64)
	}
	// Remote makes attempts as a whole, where no folder of this machine is: whoever runs there has the task by its digest, lays out the inputs,
	// stores the outputs, and records them. Its Run is ErrUnsupported. An attempt that an earlier process began, and that goes on, is waited
	// for and not begun again. When Attempt returns, nothing of the attempt runs, unless the error is ErrUnavailable.
	Remote interface {
		Attempt(ctx context.Context, w Whole) (Ended, error)
	}
	// Pusher puts images that stages made where it can pull them, and returns by which name and digest; empty: it has no such place. id is that of the image which the
	// layers lie on, as Resolver returns it; empty of one that is whole.
	Pusher interface {
		Push(ctx context.Context, m *Made, id string) (reference string, err error)
	}
)

// Whole is an attempt that is made elsewhere.
type Whole struct {
	Pipeline, Workspace, Address string
	Fingerprint                  string
	Apply                        string // id of the apply

	Task     string // the digest of the object that says what to do (attempt.Task)
	Timeout  time.Duration
	MemoryMB int64   // there always is a limit
	CPUs     float64 // 0: no limit
	// Resources are what else the stage wants; nil: nothing.
	Resources *schema.Resources
	Log       io.Writer // gets what the attempt prints, as it comes
	// Program is nil for built-in components.
	Program *Program
}

// Program is what must be known of a foreign stage where containers are made for it. All else is in its task.
type Program struct {
	Image    string   // its name; empty: not known
	ImageID  string   // as Resolver returns it
	Platform string   // of that image, "linux/amd64"
	Made     bool     // layers lie over it, which a stage made
	Whole    bool     // of these: they are the whole image, or say how it runs, so that it must be one
	Network  bool     // it has a network
	Secrets  []string // names of those that it reads, sorted
	Replicas int      // how many pods run it at once, each with the limits of the attempt; from 1 on
}

// Ended is how an attempt elsewhere ended. Outcome is all that decides; the rest is for attempts that left none.
type Ended struct {
	Outcome     string // the digest of the object that has it (attempt.Outcome); empty: there is none
	OutOfMemory bool
	TimedOut    bool
	Image       bool   // the image cannot be had
	Fault       Fault  // what befell it that was no doing of the stage; empty: nothing that has a name. It may have an Outcome all the same
	Node        string // the machine that it was on; empty: none, or not known
	Why         string // in the words of whoever ran it
	Again       bool   // not the stage's own fault: another attempt may not meet it
}

// Fault is what a cluster may do to an attempt.
type Fault string

const (
	Evicted   Fault = "evicted"       // its machine is drained, or ran short of something
	Preempted Fault = "preempted"     // what matters more needed its place
	NodeLost  Fault = "node_lost"     // its machine answers no more
	Deleted   Fault = "deleted"       // somebody removed it, who did not say why
	Unplaced  Fault = "unschedulable" // no machine has room for it
	Quota     Fault = "quota"         // it would take more than its namespace may have
	Forbidden Fault = "forbidden"     // a rule of the cluster does not admit it
)

// Task is one attempt at a stage.
type Task struct {
	Pipeline, Workspace, Address string
	Fingerprint                  string
	Apply                        string // id of the apply
	Attempt                      int

	Spec component.Spec
	// Inputs are mounted read-only at in/<port>.
	Inputs []Input
	// In is a folder that has the inputs by their ports and nothing else; empty: they lie apart.
	In string
	// Secrets are mounted read-only at secrets/<name>, of foreign stages and of fetches.
	Secrets []Secret
	// Out is a folder on the host that becomes out/, empty but for empty folders of ports. It and Checkpoint are the caller's; an executor whose stages run as
	// another user hands them over.
	Out string
	// Checkpoint is a folder on the host kept between attempts; empty: none.
	Checkpoint string
	// Scratch is a private folder on the host for the executor's own files, which it makes where it is not there. What it leaves in it is for
	// its next task with that folder, and nothing that a stage wrote.
	Scratch string
	// Place makes a new folder that may outlive the attempt, on the file system of the task's own folders; nil: there is no such place.
	Place func(pattern string) (string, error)
	// Network: a built-in component uses the network of this machine, with its proxies and certificates. Only processes have that.
	Network bool
	// Container is nil for built-in components.
	Container *Container
	// Rank: the attempt is one replica of its stage; nil: it is all of the stage, of however many replicas.
	Rank *Rank

	Timeout  time.Duration
	MemoryMB int64   // 0: a share of the machine's, DefaultMemoryMB
	CPUs     float64 // 0: no limit
	// Resources are what else the stage wants; nil: nothing.
	Resources *schema.Resources
	// Log gets stdout and stderr, line by line as they come.
	Log io.Writer
	// Mask hides secrets where a line is broken; nil: there are none.
	Mask Masker
}

// Masker hides secrets in text. What stands in one line can be hidden line by line; where a line is broken, what is to be
// hidden may lie across the break.
type Masker interface {
	// Reach is how far from a place, in bytes, text may stand that decides whether something there is hidden.
	Reach() int
	// Hide returns text[from:to] without what is to be hidden in text, also where only a part of it lies between the two.
	Hide(text string, from, to int) string
}

// Input is a folder of the host that a stage reads.
type Input struct {
	Port string
	Path string // absolute
	// Own: the folder was made for this attempt alone, and may be moved until the attempt has ended.
	Own bool
}

// Secret is a file of the host that a stage reads.
type Secret struct {
	Name string
	Path string // absolute; in memory where the host can
}

// Container is the image and command of a foreign stage.
type Container struct {
	Image   string            // its name; empty: it is not known by one
	ImageID string            // as Resolver returns it, never a name that may move, such as trainer:latest
	Made    *Made             // layers on top of that image, which the stage runs in; nil: it runs in the image as it is
	Library string            // version of the modules that lie in lib/, python.Library; empty: none
	Build   *Build            // in place of a command: the engine builds an image of the input code, which becomes the output image; nil: none
	Command []string          // takes the place of the image's entry point: ["python", "/app/train.py"]
	Env     map[string]string // besides the variables of the protocol
	Network bool              // the network of the engine; else none at all
	// Replicas is how many times the command runs at once where Task.Rank is nil, each with a rank, and with the task's limits; 0 and 1: once. They reach each other.
	Replicas int
}

// Rank is one replica among those of a stage. What the others write to their outputs and checkpoint is not the stage's: that is rank 0's.
type Rank struct {
	Number int    // from 0 on
	World  int    // how many there are
	Master string // the name or address by which the others reach the one with number 0
}

// Build is what an image is built by.
type Build struct {
	Dockerfile, Context string // relative to the folder of the code
	Target              string
	Args                map[string]string
	Images              map[string]Image // that it rests on, by their names in the Dockerfile
}

// Image is one that another rests on.
type Image struct {
	ID      string // as Resolver returns it
	Version string // what it is, as inputs of stages say it; empty where it is made
	Made    *Made  // layers on top of the image of that ID, or a whole image; nil: that image as it is
}

// Made is an image that a stage made: layers in a folder, which lie on the image that Container.ImageID names, or are the whole image where that is empty.
type Made struct {
	Dir      string          // absolute
	Base     string          // what it lies on, as inputs of stages say it; empty: nothing
	Name     string          // what that was called, as far as that is known: where it is gone, the registry of the name may have it
	Layers   []string        // names of files in Dir, from the lowest
	Digest   string          // of the folder: two with the same digest are the same image
	Platform string          // "linux/amd64"; empty: that of the image below
	Config   json.RawMessage // how containers of it run, as "config" of an OCI image has it; nil: as the image below
}

// Result of an attempt whose stage ran and ended, with success or not. At most one of ExitCode, TimedOut and OutOfMemory explains a
// failure: callers look at OutOfMemory first, then at TimedOut, and at ExitCode last.
type Result struct {
	ExitCode    int   // as spec/protocol.md has them: 0 is success, component.ExitRetry asks for another attempt
	TimedOut    bool  // ended since Task.Timeout was over
	OutOfMemory bool  // ended since its memory was over the limit
	MemoryMB    int64 // the limit, where OutOfMemory is set
	Trace       Trace
	Ranks       *Ranks // of a stage of several replicas, of which the rest of the result is that of rank Ranks.Failed, or of all; else nil
}

// Ranks is how the replicas of a stage ended. The first that does not succeed ends the others.
type Ranks struct {
	World  int
	Failed int    // the first that did not succeed; -1: all did
	Done   []int  // those that had succeeded by then, sorted
	Also   []int  // those that failed in the next moment, mostly since Failed was gone, sorted
	Wrote  string // what a rank other than 0 wrote to its outputs where all succeeded, "rank 2 wrote model/weights.npz"; empty: nothing
}

// First is the rank whose end the result is; 0 of nil, and where all succeeded.
func (r *Ranks) First() int {
	if r == nil {
		return 0
	}
	return max(0, r.Failed)
}

// Trace is where an attempt ran and what it took. It is provenance: no result and no plan rests on it.
type Trace struct {
	Platform string        // "linux/amd64"
	Node     string        // the name of the machine; empty: not known
	CPU      time.Duration // of user and system together; 0: not known
	// PeakMemory is the most memory that the attempt had at a time, in bytes, as far as it was looked at; 0: not known.
	PeakMemory int64
}

// DefaultMemoryMB is the limit of memory of a stage that has none of its own, of what a machine has: it is there so that a stage
// that needs more than there is ends, and not something else of the machine. 0 where that is not known.
func DefaultMemoryMB(machineBytes int64) int64 { return machineBytes * 3 / 4 >> 20 }

var (
	// ErrUnavailable: the engine does not answer, or went away meanwhile. Worth another attempt.
	ErrUnavailable = errors.New("the container engine does not answer")
	// ErrWorker: the process died that had run other stages before. Worth another attempt, which has a new one.
	ErrWorker = errors.New("the process that ran it, and other stages before, died")
	// ErrImage: the image of a foreign stage is not there. Not worth another attempt.
	ErrImage = errors.New("no such image")
	// ErrUnsupported: this executor cannot run such a task (containers as processes).
	ErrUnsupported = errors.New("not supported by this executor")
)
