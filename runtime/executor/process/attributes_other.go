//go:build unix && !linux

package process

import "syscall"

// attributes put a stage into a process group of its own. Only Linux can have it die with the apply.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
