package component

import (
	"bytes"
	"fmt"
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
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) } // else an earlier stage's peak is told

// peakMemory is the most memory that the process had at a time, in bytes.
func peakMemory() int64 { return statusBytes("VmHWM:") }

// residentMemory is what it has now.
func residentMemory() int64 { return statusBytes("VmRSS:") }

// statusBytes reads a line of the process's status; 0 where that is not to be had.
func statusBytes(field string) int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	if _, rest, ok := bytes.Cut(data, []byte(field)); ok {
		_, _ = fmt.Sscan(string(rest), &kb) // 0 where it reads otherwise
	}
	return kb << 10
}

// openFiles counts the files that the process has open.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
