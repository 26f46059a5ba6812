package predlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// rolling makes Parquet of files of rows, and removes what is too old, until all that was accepted is written and done.
func (l *Log) rolling() {
	defer l.gone.Done()
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
	rows, made := withSuffix(path, plainSuffix), withSuffix(path, madeSuffix)
	defer os.Remove(rows)
	columns, n, damaged, err := unframe(path, rows)
	if err != nil {
		return err
	}
	if damaged > 0 { // kept for whoever mends it: what can be read of it becomes Parquet
		l.Warn("%s: %d lines are damaged and left out; the file is kept as %s", path, damaged, filepath.Base(path)+".damaged")
		if err := os.Link(path, path+".damaged"); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if n > 0 {
		if err := l.Convert(context.Background(), rows, columns, made); err != nil {
			return errors.Join(err, os.RemoveAll(made))
		}
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

// unframe writes the rows of a file without their checksums. The last line may be torn: nobody was told that it is kept. A line with a wrong
// checksum before others is damage, and counted. A file without a line of columns was given up before it had a row.
func unframe(path, rows string) (columns []schema.Column, n, damaged int, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, 0, 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(rows, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, 0, 0, err
	}
	to := bufio.NewWriter(out)
	defer func() { err = errors.Join(err, to.Flush(), out.Close()) }()
	from := bufio.NewReaderSize(in, 1<<16)
	torn := 0 // lines with a wrong checksum since the last good one
	for {
		line, e := from.ReadBytes('\n')
		if len(line) > 0 {
			text, whole := check(line)
			switch {
			case !whole:
				torn++
			case columns == nil:
				if err := json.Unmarshal(text, &columns); err != nil {
					return nil, 0, 0, fmt.Errorf("the line of columns cannot be read: %w", err)
				}
			default:
				damaged, torn, n = damaged+torn, 0, n+1
				to.Write(text)
				to.WriteByte('\n') // the writer keeps the first error for Flush
			}
		}
		if errors.Is(e, io.EOF) {
			break
		}
		if e != nil {
			return nil, 0, 0, e
		}
	}
	if columns == nil && n+torn > 1 {
		return nil, 0, 0, errors.New("the line of columns is damaged; nothing was changed, and its rows are in the file")
	}
	return columns, n, damaged + max(torn-1, 0), nil
}

// check is a line's text, and whether it is as it was written.
func check(line []byte) (text []byte, whole bool) {
	line, ended := bytes.CutSuffix(line, []byte("\n"))
	if !ended || len(line) < 9 || line[8] != ' ' {
		return nil, false
	}
	text = line[9:]
	var sum [4]byte
	n, err := hex.Decode(sum[:], line[:8])
	return text, err == nil && n == 4 && binary.BigEndian.Uint32(sum[:]) == crc32.Checksum(text, castagnoli)
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
