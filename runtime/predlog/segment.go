package predlog

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mlp-lang/mlp/lang/schema"
)

// What a file of rows looks like.
//
// It is groups, each from the beginning of a block of 4,096 bytes, with zeros behind it up to the next. A group is a head of four numbers of four bytes, the
// lowest first, and its rows:
//
//	mark      by which a group is known
//	number    from 0
//	length    of the rows
//	checksum  CRC-32C of the three before it and the rows
//
// Group 0 has the columns, as JSON, in place of rows. A last group without rows says that the file was closed.

const (
	openSuffix    = ".open"
	walSuffix     = ".wal"
	parquetSuffix = ".parquet"
	madeSuffix    = ".unfinished" // Parquet that is made
	// stamp is what names begin with: when the file began, in UTC, so that names are in the order of time.
	stamp = schema.LogStamp

	mark  = 0x52504c4d
	head  = 16
	block = 4096

	// least and most are by how much a file grows at once: by as much as it has, within these.
	least, most = 64 << 10, 1 << 20
)

// segment is a file of rows that is written.
type segment struct {
	file    *os.File
	columns []schema.Column
	size    int64  // of what was written
	room    int64  // of the file: zeros are behind what was written
	groups  uint32 // that were written
	memory  []byte // that begins at a block, for writing
	failed  bool   // a write has, and nothing is written any more
	since   time.Time
}

// begin makes a new file of rows, whose first group says its columns. It is there for good when this returns.
func begin(dir string, columns []schema.Column) (*segment, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var salt [4]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	text, err := json.Marshal(columns)
	if err != nil {
		return nil, err
	}
	s := &segment{columns: columns, since: time.Now().UTC()}
	path := filepath.Join(dir, s.since.Format(stamp)+"-"+hex.EncodeToString(salt[:])+openSuffix)
	// Some file systems have no way past the system's memory, and say so when the file is opened or written.
	for _, flag := range []int{unix.O_DIRECT, 0} {
		if s.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|unix.O_DSYNC|flag, 0o600); err == nil {
			if err = s.append(append(make([]byte, head), text...)); err == nil {
				err = errors.Join(syncFolder(dir), syncFolder(filepath.Dir(dir)))
			}
			if err == nil {
				return s, nil
			}
			err = errors.Join(err, s.file.Close(), os.Remove(path))
		}
		if !errors.Is(err, unix.EINVAL) {
			break
		}
		s.room = 0
	}
	return nil, err
}

// append writes a group, whose head there is room for at its beginning, and returns when it is on the disk.
func (s *segment) append(group []byte) error {
	sealed(group, s.groups)
	end := s.size + blocks(len(group))
	room := s.room
	if end > room {
		room = end + min(max(end, least), most)
	}
	size := int(end - s.size)
	if room > s.room {
		size = int(room - s.size)
	}
	if len(s.memory) < size {
		s.memory = inBlocks(size)
	}
	text := s.memory[:size]
	clear(text[copy(text, group):])
	if len(s.memory) > mostReused+most {
		s.memory = nil
	}
	if _, err := s.file.WriteAt(text, s.size); err != nil {
		s.failed = true
		return err
	}
	s.size, s.room, s.groups = end, room, s.groups+1
	return nil
}

// end closes the file and gives it the name by which Parquet is made of it. What is behind the groups goes, be it zeros or what could not be written.
func (s *segment) end() error {
	var err error
	if !s.failed {
		err = s.append(make([]byte, head))
	}
	return errors.Join(err, s.file.Truncate(s.size), s.file.Close(), os.Rename(s.file.Name(), withSuffix(s.file.Name(), walSuffix)))
}

// castagnoli is the polynomial that processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed fills in a group's head.
func sealed(group []byte, number uint32) []byte {
	binary.LittleEndian.PutUint32(group, mark)
	binary.LittleEndian.PutUint32(group[4:], number)
	binary.LittleEndian.PutUint32(group[8:], uint32(len(group)-head))
	binary.LittleEndian.PutUint32(group[12:], checksum(group))
	return group
}

// checksum is that of a group, by all but itself.
func checksum(group []byte) uint32 {
	return crc32.Update(crc32.Checksum(group[:12], castagnoli), castagnoli, group[head:])
}

// blocks is a length up to the end of its last block.
func blocks(length int) int64 { return (int64(length) + block - 1) / block * block }

// inBlocks is memory that begins at a block, as writing past the system's memory wants it.
func inBlocks(size int) []byte {
	memory := make([]byte, size+block)
	from := block - int(uintptr(unsafe.Pointer(&memory[0]))%block)
	return memory[from : from+size]
}

// reader reads the groups of a file, which may end anywhere.
type reader struct {
	columns []schema.Column
	lost    int // groups that are not there, although later ones are

	file  *os.File
	from  *bufio.Reader
	at    int64 // where the next group is looked for
	next  uint32
	group []byte
}

// read opens a file of rows. Without columns it was given up before it had a row.
func read(path string) (*reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &reader{file: file, from: bufio.NewReaderSize(file, 1<<16)}
	first, err := r.from.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, file.Close())
	}
	if len(first) > 0 && first[0] != 0 && first[0] != mark&0xff {
		return nil, errors.Join(errors.New("this is no file of rows as this version of mlp writes them; nothing was changed. Start the version that has written it once on this folder: it makes a table of it"), file.Close())
	}
	rows, err := r.rows()
	switch {
	case err != nil:
	case r.lost > 0:
		err = errors.New("the columns are damaged; nothing was changed, and the rows are in the file")
	case rows != nil:
		if err = json.Unmarshal(rows, &r.columns); err != nil {
			err = fmt.Errorf("the columns cannot be read: %w", err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// rows are those of the next group; nil: there are none any more.
func (r *reader) rows() ([]byte, error) {
	for {
		whole, err := r.look()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if !whole {
			continue
		}
		number := binary.LittleEndian.Uint32(r.group[4:])
		r.lost += int(number - r.next)
		r.next = number + 1
		if len(r.group) == head { // the file was closed
			return nil, nil
		}
		return r.group[head:], nil
	}
}

// look reads what is at a block, and says whether it is a group that is still to come. Behind one that is not, the next block is looked at.
func (r *reader) look() (whole bool, err error) {
	var start [head]byte
	if _, err := io.ReadFull(r.from, start[:]); err != nil {
		return false, err
	}
	rest := int64(block - head)
	if binary.LittleEndian.Uint32(start[:]) == mark {
		size := head + int64(binary.LittleEndian.Uint32(start[8:]))
		if info, err := r.file.Stat(); err != nil {
			return false, err
		} else if r.at+size <= info.Size() {
			r.group = append(r.group[:0], make([]byte, size)...)
			copy(r.group, start[:])
			if _, err := io.ReadFull(r.from, r.group[head:]); err != nil {
				return false, err
			}
			number := binary.LittleEndian.Uint32(start[4:])
			if checksum(r.group) == binary.LittleEndian.Uint32(start[12:]) && number >= r.next {
				r.at += blocks(int(size))
				return true, r.skip(blocks(int(size)) - size)
			}
			if _, err := r.file.Seek(r.at+block, io.SeekStart); err != nil {
				return false, err
			}
			r.from.Reset(r.file)
			rest = 0
		}
	}
	r.at += block
	return false, r.skip(rest)
}

// skip passes over bytes, of which there may be fewer: then the next look finds the end.
func (r *reader) skip(bytes int64) error {
	_, err := r.from.Discard(int(bytes))
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
