//go:build unix && !linux

package component

import (
	"syscall"
	"time"
)

func dup(from, to int) error { return syscall.Dup2(from, to) }

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What only Linux tells is not looked at here.

func forgetPeak() {}

func memory() (peak, now int64) { return 0, 0 }

func openFiles() int { return 0 }
