//go:build unix && !linux

package process

// machineMemory, resident and peak are not known here: a stage has no limit of memory then.
func machineMemory() int64 { return 0 }

func resident(int) int64 { return 0 }

// maxrssUnit is what the kernel counts the peak of an ended process in, in bytes.
const maxrssUnit = 1

func peak(int) int64 { return 0 }
