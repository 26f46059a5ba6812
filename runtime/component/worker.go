package component

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// What a worker promises.
//
// A worker is a process that runs built-in stages one after another, for to start a process costs more than a small stage's work. Who
// has it sends a Job over the socket that it was started with, or that it was told to connect to where it was started in a container,
// and two files that become the standard output and the standard error of the stage, and gets a Done. A stage that fails ends its worker with the exit code that the stage has, so that its failure is told as
// that of a process of its own.
//
// A stage's outputs must be the bytes that a new process would give. So before a stage the worker takes over the job's whole environment
// and folder (begin), and after it stays only if nothing is left: no more goroutines and open files than before the first stage, no
// children, at most 256 MB more memory, and a reset of what components keep open that succeeded (end). In doubt, and after 1,000
// stages, it ends, and the executor starts another. For example, a stage that leaves a goroutine behind succeeds, and is answered with
//
//	{"cpu_us": 5312, "peak": 48234496, "rest": 41943040, "stays": false}

// WorkerSocket is the file descriptor of the socket that a worker is started with as a process.
const WorkerSocket = 3

// Job asks a worker for a stage.
type Job struct {
	Root string   `json:"root"` // the stage's root folder
	Env  []string `json:"env"`  // all variables of its environment, "NAME=value"
	// Command is a program that is to run in place of a component, in the image of whoever is asked; empty: a component. Closed: it has no network.
	Command []string `json:"command,omitempty"`
	Closed  bool     `json:"closed,omitempty"`
}

// Done says that a stage succeeded, or how a program ended.
type Done struct {
	ExitCode    int   `json:"exit_code,omitempty"`     // of a program
	OutOfMemory bool  `json:"out_of_memory,omitempty"` // a program was ended for it
	Told        bool  `json:"told,omitempty"`          // a program was told to end by whoever runs its container
	CPUMicros   int64 `json:"cpu_us"`                  // that the stage took
	Peak        int64 `json:"peak"`                    // the most memory that the process had at a time meanwhile, in bytes; 0: not known
	Rest        int64 `json:"rest"`                    // the memory that it has now; 0: not known
	// Stays: nothing of the stage is left, and the worker takes another one. Else it ends.
	Stays bool `json:"stays"`
}

// Work runs the stages that are asked for over the socket, until that is closed, a stage fails, or something is left behind. It returns
// the exit code of the process. The socket is the one at a path, or where that is empty file descriptor WorkerSocket. Reset takes away
// what a stage may leave behind in what the components keep open.
func Work(ctx context.Context, path string, components func(name string) *Component, reset func(context.Context) error) int {
	socket, err := openSocket(path)
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: a worker needs the socket of whoever asks for stages: %v\n", err)
		return 1
	}
	defer socket.Close()
	// Signals are asked for once, and not for each stage: to ask and to stop asking are eight turns of threads. One that comes while no stage runs
	// ends the wait for the next.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Now()) })()
	w := worker{reset: reset}
	if w.null, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
		fmt.Fprintf(os.Stderr, "error: a worker cannot begin: %v\n", err)
		return 1
	}
	defer w.null.Close()
	for {
		job, stdout, stderr, err := Receive(socket)
		switch {
		case ctx.Err() != nil:
			return ExitCancelled
		case errors.Is(err, io.EOF):
			return 0
		}
		if err == nil {
			err = w.begin(job, stdout, stderr)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "error: a worker was asked for what it cannot do: %v\n", err)
			return 1
		}
		if code := runStage(ctx, components, job.Root, 0, os.Stdout); code != 0 {
			return code
		}
		done, err := w.end(ctx)
		if err == nil {
			err = json.NewEncoder(socket).Encode(done)
		}
		if err != nil || !done.Stays {
			return 0
		}
	}
}

// openSocket is the connection to who started the worker: at a path, or else by the descriptor that it left open.
func openSocket(path string) (*net.UnixConn, error) {
	if path != "" {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	}
	f := os.NewFile(WorkerSocket, "socket")
	defer f.Close() // the connection has a copy
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("it is another kind of file"), conn.Close())
	}
	return socket, nil
}

// worker is what a worker knows of itself between two stages.
type worker struct {
	reset  func(context.Context) error
	null   *os.File // where the standard streams lead between two stages
	stages int
	// What it had before its first stage; of goroutines the fewest before any.
	goroutines int
	files      int
	memory     int64 // in bytes
	process    settings
	cpu        time.Duration
}

// maxStages is how many stages a worker runs.
const maxStages = 1000

// begin makes the process what a new one would be for the stage.
func (w *worker) begin(job Job, stdout, stderr *os.File) error {
	w.stages++
	w.cpu = cpuTime()
	os.Clearenv()
	for _, v := range job.Env {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	forgetPeak()
	err := errors.Join(os.Chdir(job.Root), redirect(stdout, stderr))
	if w.stages == 1 {
		_, w.memory = memory()
		w.goroutines, w.files, w.process = runtime.NumGoroutine(), openFiles(), ofProcess()
	}
	// What began the process may not have ended when the first stage came; one goroutine more would hide one that a stage leaves behind.
	w.goroutines = min(w.goroutines, runtime.NumGoroutine())
	return err
}

// end puts the folder and the standard streams back, and returns the Done to answer with: its Stays says whether nothing of the stage
// is left in the process.
func (w *worker) end(ctx context.Context) (Done, error) {
	reset := w.reset(ctx)
	done := Done{CPUMicros: (cpuTime() - w.cpu).Microseconds()}
	done.Stays = reset == nil && w.stages < maxStages && w.quiet()
	done.Peak, done.Rest = memory()
	if done.Rest > w.memory+room {
		debug.FreeOSMemory()
		_, done.Rest = memory()
		done.Stays = done.Stays && done.Rest <= w.memory+room
	}
	null := int(w.null.Fd())
	return done, errors.Join(os.Chdir("/"), dup(null, 1), dup(null, 2))
}

// room is how much more memory a worker may have at rest than before its first stage: what an engine that is kept needs.
const room = 256 << 20

// quiet reports whether the stage's goroutines and children have ended, its files are closed and settings of the process are as they were.
func (w *worker) quiet() bool {
	for end := time.Now().Add(100 * time.Millisecond); ; time.Sleep(time.Millisecond) {
		if runtime.NumGoroutine() <= w.goroutines && openFiles() <= w.files && !hasChildren() && ofProcess() == w.process {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// settings are those of a process that a stage could change for the next: which permissions new files lack, and how many processors
// goroutines have.
type settings struct{ umask, processors int }

// ofProcess reads what a stage may have changed of the process. The mask can only be read by setting it.
func ofProcess() settings {
	mask := syscall.Umask(0o077)
	syscall.Umask(mask)
	return settings{mask, runtime.GOMAXPROCS(0)}
}

// hasChildren reports whether the process has children that have not ended.
func hasChildren() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil || pid == 0 {
			return err == nil
		}
	}
}

// A job is four bytes with its length, to which the files are attached, and that many bytes of JSON.

// Receive takes a job and the two files that come with it; io.EOF: there is none any more.
func Receive(socket *net.UnixConn) (Job, *os.File, *os.File, error) {
	var length [4]byte
	rights := make([]byte, syscall.CmsgSpace(2*4))
	n, oob, _, _, err := socket.ReadMsgUnix(length[:], rights)
	if n == 0 {
		return Job{}, nil, nil, errors.Join(io.EOF, err)
	}
	if err != nil || n < len(length) {
		return Job{}, nil, nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:oob])
	if err != nil || len(messages) != 1 {
		return Job{}, nil, nil, errors.Join(errors.New("a job without files"), err)
	}
	files, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(files) != 2 {
		return Job{}, nil, nil, errors.Join(errors.New("a job needs two files"), err)
	}
	var job Job
	data := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err = io.ReadFull(socket, data); err == nil {
		err = json.Unmarshal(data, &job)
	}
	return job, os.NewFile(uintptr(files[0]), "stdout"), os.NewFile(uintptr(files[1]), "stderr"), err
}

// Send asks the worker at the other end for a stage. The files are the caller's to close.
func Send(socket *net.UnixConn, job Job, stdout, stderr *os.File) error {
	data, err := json.Marshal(job)
	if err != nil {
		return err
	}
	length := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	if _, _, err := socket.WriteMsgUnix(length, syscall.UnixRights(int(stdout.Fd()), int(stderr.Fd())), nil); err != nil {
		return err
	}
	_, err = socket.Write(data)
	return err
}

// redirect makes the two files standard output and standard error, of libraries in C too, and closes them.
func redirect(stdout, stderr *os.File) error {
	return errors.Join(dup(int(stdout.Fd()), 1), dup(int(stderr.Fd()), 2), stdout.Close(), stderr.Close())
}
