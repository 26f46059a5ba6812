package objects

import (
	"os"

	"golang.org/x/sys/unix"
)

// unwritten reports whether nobody has a file open to write, nor mapped: on one that somebody has, the kernel gives no read lease
// (fcntl(2), F_SETLEASE). The lease is given back at once.
func unwritten(f *os.File) bool {
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil
}
