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
// An append is answered when its rows are on the disk. Rows that come in while others are written wait, and are written together with one fsync for
// all of them (group commit), so that many clients cost few fsyncs; a disk that is fast is given a moment, for groups to form. A file of rows ends after a minute or 16 MiB, or when rows with other columns
// come; another goroutine makes Parquet of it. Each step leaves a state that the next start takes further:
//
//	killed while rows are written     the last line has no valid checksum: nobody was told that it is kept, and it is passed over
//	killed before the Parquet is whole  it has another name as yet; it is made again out of the rows
//	killed before the rows are removed  both have one name: the rows are removed, and no row is there twice
//	killed before anything else is      what was on the way from one to the other is removed at the next start
//
// A write or fsync that fails is told to all who waited for it, and the file is not written to any more: what the kernel has kept of it after a failed
// fsync is not known (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020).

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Options of a log. Dir and Convert are required.
type Options struct {
	Dir string
	// Convert makes the Parquet file out, with these columns, of a file with a JSON object a line.
	Convert func(ctx context.Context, rows string, columns []schema.Column, out string) error
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
	in   chan *appended
	stop chan struct{} // closed by Close
	done chan struct{} // closed when all that was accepted is written
	roll chan struct{} // there may be rows to make Parquet of
	gone sync.WaitGroup

	// Of run alone:
	open  map[string]*segment // by deployment
	text  []byte              // memory that is used again
	began time.Time           // when the last group was written, of which last is how many it had
	last  int

	expired time.Time // when Expire was called last; of rolling alone
}

// appended are rows that wait for the disk.
type appended struct {
	name    string
	columns []schema.Column
	lines   []byte     // as the file has them
	result  chan error // takes one without waiting
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
	l := &Log{Options: o, lock: lock, in: make(chan *appended, mostTogether), stop: make(chan struct{}), done: make(chan struct{}), roll: make(chan struct{}, 1), open: map[string]*segment{}}
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
	for _, suffix := range []string{plainSuffix, madeSuffix} {
		half, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+suffix))
		if err != nil {
			return err
		}
		for _, path := range half {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("opening the log of predictions: %w", err)
			}
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

// Append returns when the rows, JSON objects without line ends, are durable, or with the reason why they are not.
// Deployments are names of blocks, which are fit for folders.
func (l *Log) Append(ctx context.Context, deployment string, columns []schema.Column, rows [][]byte) error {
	// Lines are made here, where requests are many at a time, and not where one writes for all.
	size := 0
	for _, row := range rows {
		size += len(row) + framed
	}
	lines := make([]byte, 0, size)
	for _, row := range rows {
		lines = frame(lines, row)
	}
	a := &appended{deployment, columns, lines, make(chan error, 1)}
	select {
	case <-l.stop:
		return ErrClosed
	default:
	}
	select {
	case l.in <- a:
	case <-l.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-a.result:
		return err
	case <-l.done: // it may have been among the last
		select {
		case err := <-a.result:
			return err
		default:
			return ErrClosed
		}
	}
}

// Close writes what was accepted, makes Parquet of it, and gives the folder back.
func (l *Log) Close() error {
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
		case a := <-l.in:
			l.pause()
			l.commit(l.waiting([]*appended{a}))
		case <-ticker.C:
			l.end(func(s *segment) bool { return time.Since(s.since) >= l.Age })
		case <-l.stop:
			l.commit(l.waiting(nil))
			l.end(func(*segment) bool { return true })
			return
		}
	}
}

const (
	mostTogether = 1024    // appends that share an fsync
	mostReused   = 1 << 20 // bytes of memory that is kept for the next group

	// A group waits for others as long as one comes within a step, and until so long after the group before it.
	step, longest = 500 * time.Microsecond, 2 * time.Millisecond
)

// pause lets others come that share the sync: it costs the processor what several answers do, however fast the disk is. Who comes alone, again and
// again, does not wait, and where the disk takes longer than the pause would, nobody does.
func (l *Log) pause() {
	for here := len(l.in); l.last > 1 || here > 0; here = len(l.in) {
		if here >= mostTogether || time.Since(l.began)+step > longest {
			return
		}
		wait := unix.NsecToTimespec(step.Nanoseconds())
		_ = unix.Nanosleep(&wait, nil) // the runtime's timers round up to a millisecond; a signal ends it early, which is no harm
		if len(l.in) == here {
			return
		}
	}
}

// waiting adds what waits by now.
func (l *Log) waiting(group []*appended) []*appended {
	for len(group) < mostTogether {
		select {
		case a := <-l.in:
			group = append(group, a)
		default:
			return group
		}
	}
	return group
}

// commit writes a group, one fsync a deployment, and tells each of it how that went.
func (l *Log) commit(group []*appended) {
	l.began, l.last = time.Now(), len(group)
	for len(group) > 0 {
		first := group[0]
		var mine, others []*appended
		for _, a := range group {
			if a.name == first.name && slices.Equal(a.columns, first.columns) {
				mine = append(mine, a)
			} else {
				others = append(others, a)
			}
		}
		err := l.write(first.name, first.columns, mine)
		for _, a := range mine {
			a.result <- err
		}
		group = others
	}
}

// write appends to the deployment's file of rows, or to a new one where there is none, or one of other columns.
func (l *Log) write(name string, columns []schema.Column, group []*appended) error {
	s := l.open[name]
	if s != nil && (!slices.Equal(s.columns, columns) || s.size >= l.Bytes) {
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
	size := 0
	for _, a := range group {
		size += len(a.lines)
	}
	text := slices.Grow(l.text[:0], size)
	for _, a := range group {
		text = append(text, a.lines...)
	}
	if cap(text) <= mostReused {
		l.text = text
	}
	if err := s.append(text); err != nil {
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

// wake tells that there may be something to do; a look that is due anyway is enough.
func (l *Log) wake() {
	select {
	case l.roll <- struct{}{}:
	default:
	}
}

// segment is a file of rows that is written.
type segment struct {
	file    *os.File
	columns []schema.Column
	size    int64
	since   time.Time
}

const (
	openSuffix    = ".open"
	walSuffix     = ".wal"
	parquetSuffix = ".parquet"
	plainSuffix   = ".ndjson"     // rows on their way to Parquet
	madeSuffix    = ".unfinished" // Parquet that is made
	// stamp is what names begin with: when the file began, in UTC, so that names are in the order of time.
	stamp = schema.LogStamp
)

// begin makes a new file of rows, whose first line says its columns. It is there for good when this returns.
func begin(dir string, columns []schema.Column) (*segment, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var salt [4]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	f, err := os.OpenFile(filepath.Join(dir, now.Format(stamp)+"-"+hex.EncodeToString(salt[:])+openSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{file: f, columns: columns, since: now}
	head, err := json.Marshal(columns)
	if err == nil {
		err = s.append(frame(nil, head))
	}
	if err == nil {
		err = errors.Join(syncFolder(dir), syncFolder(filepath.Dir(dir)))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return s, nil
}

// append writes and syncs.
func (s *segment) append(text []byte) error {
	n, err := s.file.Write(text)
	s.size += int64(n)
	if err != nil {
		return err
	}
	return s.file.Sync()
}

// end closes the file and gives it the name by which Parquet is made of it.
func (s *segment) end() error {
	return errors.Join(s.file.Close(), os.Rename(s.file.Name(), withSuffix(s.file.Name(), walSuffix)))
}

// castagnoli is the polynomial that processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// framed is how much longer a line is than its text.
const framed = 10

// frame adds a line: the checksum of its text in eight hexadecimal digits, a space, the text.
func frame(to, text []byte) []byte {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.Checksum(text, castagnoli))
	return append(append(append(hex.AppendEncode(to, sum[:]), ' '), text...), '\n')
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
