package process

import "syscall"

// attributes put a stage into a process group of its own and have the kernel kill it when the apply dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
