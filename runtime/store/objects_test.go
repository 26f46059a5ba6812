package store

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSparse: a file with holes is stored with them, and is to all who read it what it was.
func TestSparse(t *testing.T) {
	s, dir := open(t), t.TempDir()
	path := filepath.Join(dir, "weights")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 3<<20 + 17, 9 << 20} {
		if _, err := f.WriteAt([]byte("some"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(64<<20 + 5); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := s.PutDir(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), d); err != nil {
		t.Error(err)
	}
	list, err := s.OpenDir(d)
	if err != nil || list.Files[0].Size != 64<<20+5 {
		t.Fatalf("got %+v, %v", list, err)
	}
	object, err := s.ObjectPath(list.Files[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(object)
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 4<<20 {
		t.Errorf("%d bytes of disk for a file that has few", used)
	}
}

// TestManyFiles: of many small files each is stored, and it is told how far that is.
func TestManyFiles(t *testing.T) {
	s, dir := open(t), t.TempDir()
	const many = 1234
	for i := range many {
		write(t, filepath.Join(dir, fmt.Sprintf("%03d", i%7), fmt.Sprintf("f%d", i)), fmt.Sprint(i%1000))
	}
	var told []int
	d, err := s.PutDir(t.Context(), dir, func(done, total int) {
		if total != many {
			t.Errorf("got a total of %d", total)
		}
		told = append(told, done)
	})
	if err != nil || fmt.Sprint(told) != "[500 1000 1234]" {
		t.Errorf("told %v, %v", told, err)
	}
	list, err := s.OpenDir(d)
	if err != nil || len(list.Files) != many {
		t.Fatalf("got %d files, %v", len(list.Files), err)
	}
	if err := s.Verify(t.Context(), d); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(s.Place().Path("tmp"), "*", "object-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
