package beside

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The containers of a pod share one network, which ours needs to reach the store. So a program without a network is kept from it by the
// kernel: a filter of system calls, which it cannot take off and which its children have, lets it make sockets within the machine (AF_UNIX) only. There is
// no loopback either. io_uring, which would make sockets past the filter, is refused as well, and so are calls by another architecture's numbers.

// closed becomes a command, path and arguments, without a network. It returns only if that fails.
func closed(command []string) error {
	if len(command) < 2 {
		return errors.New("expected a path and a command")
	}
	runtime.LockOSThread() // the filter is of the thread that becomes the command
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the network: %w", err)
	}
	filter := closedFilter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("closing the network: %w", errno)
	}
	fmt.Fprintf(os.Stderr, "%s: %s: %v\n", cannotRun, command[0], syscall.Exec(command[0], command[1:], os.Environ()))
	os.Exit(126)
	return nil
}

// Places in what a filter looks at (seccomp_data): the call's number, its architecture, and the low half of its first argument.
const (
	numberAt   = 0
	archAt     = 4
	argumentAt = 16
)

// x32 is the bit of calls by the numbers of x32, on amd64.
const x32 = 0x40000000

func closedFilter() []unix.SockFilter {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	// jump passes over that many of the filter's lines if what was loaded is k, or is not.
	jump := func(test uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	return []unix.SockFilter{
		load(archAt),
		jump(unix.BPF_JEQ, arch, 0, 7), // → kill
		load(numberAt),
		jump(unix.BPF_JGE, x32, 5, 0), // → kill
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 5, 0), // → refuse
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 0, 2),         // → allow
		load(argumentAt),
		jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 2), // → refuse
		answer(unix.SECCOMP_RET_ALLOW),
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)),
	}
}

// oomKills is how many processes of this container the kernel has ended for want of memory, by either version of control groups.
func oomKills() (n int64) {
	for _, file := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if count, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, _ = strconv.ParseInt(strings.TrimSpace(count), 10, 64) // 0 where it reads otherwise
			}
		}
	}
	return n
}
