package protocol

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
)

// Link is what an executor has of a worker that stays: the near end of its socket (component/worker.go has the far one). It is for one
// goroutine at a time.
type Link struct {
	socket  *net.UnixConn
	Replies <-chan component.Done // of stages that succeeded; nothing comes for one that failed
	Gone    <-chan struct{}       // closed once nothing more will come
}

// NewLink takes the socket over.
func NewLink(socket *net.UnixConn) *Link {
	replies, gone := make(chan component.Done, 1), make(chan struct{})
	go func() {
		defer close(gone)
		for in := json.NewDecoder(socket); ; {
			var d component.Done
			if in.Decode(&d) != nil {
				return // the worker has ended, or Close was called
			}
			replies <- d
		}
	}()
	return &Link{socket, replies, gone}
}

// Close closes the socket, at which a worker ends that waits for a stage.
func (l *Link) Close() error { return l.socket.Close() }

// Stop tells the far end that nothing more is asked for: a program ends then, and what it still replies is read.
func (l *Link) Stop() error { return l.socket.CloseWrite() }

// Send asks for a stage. What the stage writes comes to the log, until the streams are waited for.
func (l *Link) Send(job component.Job, log *Log) (*Streams, error) {
	out := &Streams{}
	stdout, err := out.open(log)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := out.open(log)
	if err != nil {
		out.close()
		return nil, err
	}
	defer stderr.Close()
	if err := component.Send(l.socket, job, stdout, stderr); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// Crashed reports whether a worker that ended with an exit code did so by a signal, or by a panic beside its stage: what an earlier stage
// did may be the reason.
func Crashed(exitCode int) bool {
	const goPanic = 2
	return exitCode > 128 && exitCode != component.ExitCancelled || exitCode == goPanic
}

// Fits reports whether a worker may have a stage with a limit of memory: what it has at rest, in bytes, is at most a quarter of that. Else
// the stage would meet its limit for what earlier ones left. With memory_mb = 512 a worker of 130 MB does not fit; with the default, three
// quarters of a machine, all do.
func Fits(rest, limitMB int64) bool { return limitMB <= 0 || rest <= limitMB<<20/4 }

// tail is how long the end of the log may come after the end of the stage: a child that the stage left behind could hold the pipe open.
const tail = time.Second

// Streams are the standard output and the standard error of a stage, as far as they are read.
type Streams struct {
	reading sync.WaitGroup
	ends    []*os.File
}

// open returns the end of a new stream that a stage writes to.
func (s *Streams) open(log *Log) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, r)
	s.reading.Go(func() {
		to := log.Stream()
		defer to.Close()
		_, _ = io.Copy(to, r) // ends when the stage has closed it, or close has
	})
	return w, nil
}

// Wait waits until all is read that a stage wrote which has ended.
func (s *Streams) Wait() {
	over := time.AfterFunc(tail, s.close)
	s.reading.Wait()
	over.Stop()
	s.close()
}

func (s *Streams) close() {
	for _, r := range s.ends {
		_ = r.Close() // what is read by now is what there is
	}
}
