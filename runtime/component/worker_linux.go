package component

import (
	"bytes"
	"os"
	"syscall"
	"time"
)

// dup makes a file descriptor another one.
func dup(from, to int) error { return syscall.Dup3(from, to, 0) }

// cpuTime is what the process has had of processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// forgetPeak has the kernel count the peak of memory from now on.
func forgetPeak() {
	f, err := syscall.Open("/proc/self/clear_refs", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return // an earlier stage's peak is told
	}
	_, _ = syscall.Write(f, []byte("5"))
	_ = syscall.Close(f)
}

// memory is the most memory that the process had at a time, and what it has now, in bytes; 0 where that is not to be had. Both are lines of one file,
// which takes the kernel longer to write than a read of anything else here.
func memory() (peak, now int64) {
	f, err := syscall.Open("/proc/self/status", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, 0
	}
	defer syscall.Close(f)
	var room [4096]byte
	n, err := syscall.Read(f, room[:]) // the lines stand among the first thirty, in 1 KB
	if err != nil {
		return 0, 0
	}
	return inStatus(room[:n], "VmHWM:"), inStatus(room[:n], "VmRSS:")
}

// inStatus is a size that a process's status names (proc_pid_status(5)), in bytes; 0 where it is not there.
func inStatus(status []byte, field string) (size int64) {
	_, rest, _ := bytes.Cut(status, []byte(field))
	for _, c := range bytes.TrimLeft(rest, " \t") {
		if c < '0' || c > '9' {
			break
		}
		size = 10*size + int64(c-'0')
	}
	return size << 10
}

// openFiles counts the files that the process has open.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
