package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// machineMemory is what the machine has, or what the control group leaves that this process is in, in bytes; 0 if that is not known.
// In a container the group's limit counts, and not the machine's memory: a stage that is told to use more is killed.
// Both versions of control groups are looked at, since images run under either.
func machineMemory() int64 {
	var total int64
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		_, _ = fmt.Sscanf(string(data), "MemTotal: %d kB", &total) // 0 where it reads otherwise
		total <<= 10
	}
	group := "/"
	if data, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(data)) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
				group = path
			}
		}
	}
	for _, file := range []string{"/sys/fs/cgroup" + group + "/memory.max", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(file)
		if n, bad := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && bad == nil && n > 0 && n < total {
			total = n
		}
	}
	return total
}

// resident is how much memory a process has that is its own, in bytes; 0 once it has ended. Pages of files, such as those of its program, do not
// count: the system takes them back when it needs them, as in a container.
func resident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return inStatus(status, "RssAnon:") + inStatus(status, "RssShmem:")
}

// inStatus is a size that a process's status names (proc_pid_status(5)), in bytes; 0 where it is not there.
func inStatus(status []byte, name string) (size int64) {
	if _, rest, ok := bytes.Cut(status, []byte(name)); ok {
		_, _ = fmt.Sscan(string(rest[:min(len(rest), 40)]), &size) // 0 where it reads otherwise
	}
	return size << 10
}

// maxrssUnit is what the kernel counts the peak of an ended process in, in bytes.
const maxrssUnit = 1 << 10

// peak is the most memory that a process had at a time, in bytes; 0 once it has ended.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return inStatus(status, "VmHWM:")
}
