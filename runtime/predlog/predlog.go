// Package predlog keeps what deployments answered: durably before it is answered, and as Parquet files after.
//
// A folder has one log, and one process at a time writes it. Below it each deployment has a folder:
//
//	scorer/20261130T071500.000000000Z-9f2c61d0.open      rows that come in now
//	scorer/20261130T071400.000000000Z-41b7aa02.wal       rows that are to become Parquet
//	scorer/20261130T071300.000000000Z-c03d77e1.parquet   a table
package predlog

// How nothing is lost.
//
// An append is answered when its rows are on the disk. Rows that come in while others are written fill the next group, which is written at once (group
// commit), so that many clients cost few writes, and requests are worked on while the disk is. A group begins at a block of the file and goes past the
// memory of the system straight to the disk (O_DIRECT, O_DSYNC), where blocks with zeros are ready for it: what the file system knows of the file stays
// the same, which else would be written too, in twice the time. A file of rows ends after a minute or 16 MiB, or when rows with other columns come;
// another goroutine makes Parquet of it. Each step leaves a state that the next start takes further:
//
//	killed while rows are written     the group has no valid checksum: nobody was told that it is kept, and it is passed over
//	killed before the Parquet is whole  it has another name as yet; it is made again out of the rows
//	killed before the rows are removed  both have one name: the rows are removed, and no row is there twice
//	killed before anything else is      what was on the way from one to the other is removed at the next start
//
// Groups are numbered, and a file that was closed says how many it has: of one that is damaged it is known how many are missing.
//
// A write that fails is told to all who waited for it, and the file is not written to any more: what the disk has of it is not
// known (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020).

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Options of a log. Dir and Convert are required.
type Options struct {
	Dir string
	// Convert makes the Parquet file out, with these columns, of rows as they were appended, some or many at a time. Their memory is used again.
	Convert func(ctx context.Context, rows iter.Seq2[[]byte, error], columns []schema.Column, out string) error
	// Deliver takes a table elsewhere, durably, and may be given one that it has taken already; then the table is removed here. Nil: tables stay.
	Deliver func(ctx context.Context, deployment, table string) error
	// Expire removes tables elsewhere that began before a time. It is called where both Deliver and Keep are given, once an hour.
	Expire func(ctx context.Context, before time.Time) error
	Keep   time.Duration                    // after which a table is removed; 0: never
	Age    time.Duration                    // of a file of rows; default a minute
	Bytes  int64                            // of a file of rows; default 16 MiB
	Warn   func(format string, args ...any) // default: nobody is told
}

// ErrClosed is of rows that come after Close.
var ErrClosed = errors.New("the log of predictions is closed")

// Log is a folder that this process writes. Its methods may be called at the same time.
type Log struct {
	Options
	lock *os.File
	stop chan struct{} // closed by Close
	done chan struct{} // closed when all that was accepted is written
	roll chan struct{} // there may be rows to make Parquet of
	gone sync.WaitGroup

	mu     sync.Mutex
	next   *group        // that fills
	spare  *group        // one that was written, for its memory
	closed bool          // nothing is accepted any more
	filled chan struct{} // next has rows

	// Of run alone:
	open  map[string]*segment // by deployment
	began time.Time           // when the last group was written

	expired time.Time // when Expire was called last; of rolling alone
}

// group is what is written together.
type group struct {
	parts   []part
	memory  []byte        // for the rows of the first part
	written chan struct{} // closed when that is done
}

// part is what a group has of a deployment's rows with the same columns.
type part struct {
	name    string
	columns []schema.Column
	rows    []byte // behind room for the head
	err     error  // why they are not kept; once the group is written
}

// Open takes the folder, which is made where it is not there, and takes up what a former process has left.
// Another process that writes it is an error.
func Open(o Options) (*Log, error) {
	if o.Age <= 0 {
		o.Age = time.Minute
	}
	if o.Bytes <= 0 {
		o.Bytes = 16 << 20
	}
	if o.Warn == nil {
		o.Warn = func(string, ...any) {}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the log of predictions: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of predictions: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the log of predictions: another process writes %s; each server has a folder of its own: %w", o.Dir, err), lock.Close())
	}
	l := &Log{Options: o, lock: lock, next: newGroup(nil), filled: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), roll: make(chan struct{}, 1), open: map[string]*segment{}}
	if err := l.takeUp(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.gone.Add(2)
	go l.run()
	go l.rolling()
	l.wake()
	return l, nil
}

// takeUp closes the files of rows that a killed process has left open, and removes what it was making of others.
func (l *Log) takeUp() error {
	half, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+madeSuffix))
	if err != nil {
		return err
	}
	for _, path := range half {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("opening the log of predictions: %w", err)
		}
	}
	left, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+openSuffix))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Rename(path, withSuffix(path, walSuffix)); err != nil {
			return fmt.Errorf("opening the log of predictions: %w", err)
		}
	}
	return nil
}

// Append returns when rows are durable, or with the reason why they are not. What rows look like is between who appends them and Convert.
// Deployments are names of blocks, which are fit for folders.
func (l *Log) Append(ctx context.Context, deployment string, columns []schema.Column, rows []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	g := l.next
	at := g.part(deployment, columns)
	g.parts[at].rows = append(g.parts[at].rows, rows...)
	l.mu.Unlock()
	signal(l.filled)
	<-g.written
	return g.parts[at].err
}

// newGroup is an empty one, with the memory of one that is not used any more, if there is one.
func newGroup(old *group) *group {
	g := &group{written: make(chan struct{})}
	if old != nil && len(old.parts) == 1 && cap(old.parts[0].rows) <= mostReused {
		g.memory = old.parts[0].rows[:head]
	}
	return g
}

// part is the place of the part for rows of a deployment with these columns.
func (g *group) part(name string, columns []schema.Column) int {
	for i := range g.parts {
		if p := &g.parts[i]; p.name == name && same(p.columns, columns) {
			return i
		}
	}
	p := part{name: name, columns: columns, rows: g.memory}
	if g.memory = nil; p.rows == nil {
		p.rows = make([]byte, head)
	}
	g.parts = append(g.parts, p)
	return len(g.parts) - 1
}

// same compares columns, mostly by where they are.
func same(a, b []schema.Column) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// Close writes what was accepted, makes Parquet of it, and gives the folder back.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	l.gone.Wait()
	return l.lock.Close()
}

// run is the one that writes rows.
func (l *Log) run() {
	defer l.gone.Done()
	defer close(l.done)
	ticker := time.NewTicker(min(l.Age, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-l.filled:
			l.commit()
		case <-ticker.C:
			l.end(func(s *segment) bool { return time.Since(s.since) >= l.Age })
		case <-l.stop:
			l.commit()
			l.end(func(*segment) bool { return true })
			return
		}
	}
}

const (
	mostReused = 1 << 20          // bytes of memory that are kept for the next group
	apart      = time.Millisecond // between groups, where the processor has other work
	idle       = 5 * time.Microsecond
)

// pause lets requests that are worked on get into the group, since a write takes as much of the processor as several of them, however fast the disk
// is. Where the processor has nothing else to do there are none, and nobody waits.
func (l *Log) pause() {
	for now := time.Now(); now.Sub(l.began) < apart; {
		before := now
		runtime.Gosched()
		if now = time.Now(); now.Sub(before) < idle {
			break
		}
	}
	l.began = time.Now()
}

// commit writes the group that fills, at once for each deployment, and tells all who wait for it.
func (l *Log) commit() {
	l.pause()
	l.mu.Lock()
	g := l.next
	l.next, l.spare = newGroup(l.spare), nil
	l.mu.Unlock()
	for i := range g.parts {
		p := &g.parts[i]
		p.err = l.write(p.name, p.columns, p.rows)
	}
	close(g.written)
	l.mu.Lock()
	l.spare = g
	l.mu.Unlock()
}

// write appends to the deployment's file of rows, or to a new one where there is none, or one of other columns.
func (l *Log) write(name string, columns []schema.Column, rows []byte) error {
	s := l.open[name]
	if s != nil && (!same(s.columns, columns) || s.size >= l.Bytes) {
		l.endOf(name)
		s = nil
	}
	if s == nil {
		var err error
		if s, err = begin(filepath.Join(l.Dir, name), columns); err != nil {
			return fmt.Errorf("logging predictions: %w", err)
		}
		l.open[name] = s
	}
	if err := s.append(rows); err != nil {
		l.endOf(name)
		return fmt.Errorf("logging predictions: %w", err)
	}
	return nil
}

// end closes the files of rows that a test holds of.
func (l *Log) end(of func(*segment) bool) {
	for name, s := range l.open {
		if of(s) {
			l.endOf(name)
		}
	}
	l.wake()
}

// endOf closes a deployment's file of rows; Parquet is made of it.
func (l *Log) endOf(name string) {
	if err := l.open[name].end(); err != nil {
		l.Warn("closing a file of predictions: %v", err)
	}
	delete(l.open, name)
	l.wake()
}

// wake tells that there may be something to do.
func (l *Log) wake() { signal(l.roll) }

// signal is for one who looks at what there is; a look that is due anyway is enough.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// withSuffix is a path with another suffix.
func withSuffix(path, suffix string) string {
	return path[:len(path)-len(filepath.Ext(path))] + suffix
}

// syncFolder makes names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
