package local

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Many syncs in one.
//
// syncfs brings a whole file system to the disk. Linux waits for the writes, so that it promises what fsync of every file and folder there
// would (its manual page says so). For 16 files of 2 KB it took 1.1 ms where fsync side by side took 2.0, and an eighth of the processor
// time; for 4 they took 0.3 and 0.6. It is used under conditions, and else each is synced by itself:
//
//   - Little is to be written (mostUnwritten). It waits for what anybody has written, such as what a running stage spills and will remove:
//     while another process wrote as fast as it could, 4 files took 10 to 120 ms, and 0.7 by fsync. What programs wrote half a minute ago and
//     the kernel keeps still, such as a build, is written once beside (clear), and nobody waits for it: from then on there is little.
//   - Its failures are told, of data and of the file system's own: Linux does so since 5.17 (oldestTelling). Of data they are told to those
//     who have had a file open since before, so one is kept open, and the first call is not made.
//   - The file system is one where it costs no more than fsync of one file does: ext4 and XFS, where both write the journal. On Btrfs it ends
//     a transaction; overlayfs does not hand on failures of the file system below; of others nobody has looked.
//   - All paths lie on that file system, whatever is mounted or linked below the bucket.

// whole is a file system that was synced as a whole.
type whole struct {
	mu     sync.Mutex
	file   *os.File // on it, open from before what is synced was written; nil: none is
	device uint64
	fit    bool  // for SyncAll
	most   int64 // in place of mostUnwritten, in tests

	clearing bool
	again    time.Time // before which it is not cleared again
}

const (
	// mostUnwritten is up to how many bytes this machine may have to write, of all file systems: a slow disk takes a tenth of a second for them.
	mostUnwritten = 16 << 20
	// fewest is how many syncs are worth one of all, and many are those of several stages at once, which more will follow.
	fewest, many = 3, 8
)

// oldestTelling is the first Linux whose syncfs tells of all failures.
var oldestTelling = [2]int{5, 17}

// SyncAll is as Disk says.
func (m *machine) SyncAll(paths []string) (bool, error) {
	if len(paths) < fewest {
		return false, nil
	}
	device, ok := deviceOf(paths)
	if !ok {
		return false, nil
	}
	f := m.whole.on(device, paths[0])
	if f == nil {
		return false, nil
	}
	if unwritten() > cmp.Or(m.whole.most, mostUnwritten) {
		if len(paths) >= many {
			m.whole.clear(filepath.Dir(paths[0]))
		}
		return false, nil
	}
	fd := int(f.Fd())
	err := uninterrupted(func() error { return unix.Syncfs(fd) })
	if err == nil { // a file system that has failed is made one to read, and has nothing to write any more
		var s unix.Statfs_t
		if err = unix.Fstatfs(fd, &s); err == nil && s.Flags&unix.ST_RDONLY != 0 {
			err = unix.EROFS
		}
	}
	if err != nil {
		return true, &fs.PathError{Op: "sync", Path: paths[0], Err: err}
	}
	return true, nil
}

// on is the file that is open on a file system; nil: none was, or it is none to sync as a whole. The first that is asked for is opened.
func (w *whole) on(device uint64, path string) *os.File {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != nil {
		if w.fit && w.device == device {
			return w.file
		}
		return nil
	}
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil
	}
	var s unix.Stat_t
	if unix.Fstat(int(f.Fd()), &s) != nil || s.Dev != device { // a mount's root
		_ = f.Close() // nothing was written to it
		return nil
	}
	w.file, w.device, w.fit = f, device, fit(f)
	return nil
}

// clear has written what this machine keeps to be written, and takes a tenth of the time at most. It has a file of its own, so that what failed
// is told to who syncs next.
func (w *whole) clear(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clearing || time.Now().Before(w.again) {
		return
	}
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	w.clearing = true
	go func() {
		defer f.Close()
		begun := time.Now()
		_ = unix.Syncfs(int(f.Fd()))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.clearing, w.again = false, time.Now().Add(9*time.Since(begun))
	}()
}

// deviceOf is the file system that all paths lie on; false where they don't lie on one.
func deviceOf(paths []string) (device uint64, one bool) {
	for i, path := range paths {
		var s unix.Stat_t
		if unix.Stat(path, &s) != nil || i > 0 && s.Dev != device {
			return 0, false
		}
		device = s.Dev
	}
	return device, true
}

// fit reports whether a file's file system can be synced as a whole in place of files.
func fit(f *os.File) bool {
	var name unix.Utsname
	var s unix.Statfs_t
	if unix.Uname(&name) != nil || unix.Fstatfs(int(f.Fd()), &s) != nil {
		return false
	}
	return tells(unix.ByteSliceToString(name.Release[:])) && (s.Type == unix.EXT4_SUPER_MAGIC || s.Type == unix.XFS_SUPER_MAGIC)
}

// tells reports whether the syncfs of a Linux tells of all failures, by its release, such as 6.1.0-18-amd64.
func tells(release string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > oldestTelling[0] || major == oldestTelling[0] && minor >= oldestTelling[1]
}

// unwritten is how many bytes this machine has in memory that are to be written to disks; where nobody says, more than any limit.
func unwritten() (bytes int64) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return mostUnwritten + 1
	}
	defer f.Close()
	found := 0
	for lines := bufio.NewScanner(f); found < 2 && lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		var kB int64
		if name != "Dirty" && name != "Writeback" {
			continue
		}
		if _, err := fmt.Sscan(value, &kB); err != nil {
			break
		}
		found, bytes = found+1, bytes+kB<<10
	}
	if found < 2 {
		return mostUnwritten + 1
	}
	return bytes
}
