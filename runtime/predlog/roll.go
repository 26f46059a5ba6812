package predlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lowest is the priority of a thread that is to disturb nobody.
const lowest = 19

// rolling makes Parquet of files of rows, and removes what is too old, until all that was accepted is written and done.
func (l *Log) rolling() {
	defer l.gone.Done()
	// It has a thread of its own, which gets of the processor what others leave: requests do not wait for tables. It ends with this goroutine.
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lowest) // where that is not allowed, it goes on as others do
	said := ""
	look := func() {
		err := errors.Join(l.rollAll(), l.deliver(), l.expire(time.Now()))
		if err != nil && err.Error() != said {
			l.Warn("the log of predictions: %v", err)
		}
		said = ""
		if err != nil {
			said = err.Error()
		}
	}
	for {
		select {
		case <-l.roll:
			look()
		case <-l.done:
			look()
			return
		}
	}
}

// rollAll makes Parquet of all files of rows that are closed. One that fails is tried again at the next look, and keeps its rows.
func (l *Log) rollAll() error {
	closed, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+walSuffix))
	for _, path := range closed {
		if e := l.rollOne(path); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", path, e))
		}
	}
	return err
}

// rollOne makes the Parquet file of one, and removes the rows once it is durable.
func (l *Log) rollOne(path string) error {
	out, dir := withSuffix(path, parquetSuffix), filepath.Dir(path)
	if _, err := os.Stat(out); err == nil { // a process was killed before it removed the rows
		return os.Remove(path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	made := withSuffix(path, madeSuffix)
	r, err := read(path)
	if err != nil {
		return err
	}
	defer r.file.Close()
	first, err := r.rows()
	if err != nil {
		return err
	}
	if first != nil {
		all := func(yield func([]byte, error) bool) {
			for rows, err := first, error(nil); rows != nil || err != nil; rows, err = r.rows() {
				if !yield(rows, err) || err != nil {
					return
				}
			}
		}
		if err := l.Convert(context.Background(), all, r.columns, made); err != nil {
			return errors.Join(err, os.RemoveAll(made))
		}
	}
	if r.lost > 0 { // kept for whoever mends it: what can be read of it becomes Parquet
		l.Warn("%s: %d groups of rows are damaged and left out; the file is kept as %s", path, r.lost, filepath.Base(path)+".damaged")
		if err := os.Link(path, path+".damaged"); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if first != nil {
		if err := settle(made, out); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(path), syncFolder(dir))
}

// settle makes a file durable, and then visible under its name.
func settle(made, out string) error {
	f, err := os.OpenFile(made, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(made, out)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(out))
}

// deliver hands tables over. One that fails stays, and is tried again at the next look.
func (l *Log) deliver() error {
	if l.Deliver == nil {
		return nil
	}
	tables, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+parquetSuffix))
	for _, path := range tables {
		e := l.Deliver(context.Background(), filepath.Base(filepath.Dir(path)), path)
		if e == nil {
			e = os.Remove(path)
		}
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", path, e))
		}
	}
	return err
}

// expire removes tables that began longer ago than they are kept.
func (l *Log) expire(now time.Time) error {
	if l.Keep <= 0 {
		return nil
	}
	if l.Deliver != nil && now.Sub(l.expired) > time.Hour {
		l.expired = now
		if err := l.Expire(context.Background(), now.Add(-l.Keep)); err != nil {
			return err
		}
	}
	tables, err := filepath.Glob(filepath.Join(l.Dir, "*", "*"+parquetSuffix))
	for _, path := range tables {
		began, _, _ := strings.Cut(filepath.Base(path), "-")
		if at, e := time.Parse(stamp, began); e == nil && now.Sub(at) > l.Keep {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}
