//go:build unix && !linux

package process

// machineMemory and resident are not known here: a stage has no limit of memory then.
func machineMemory() int64 { return 0 }

func resident(int) int64 { return 0 }
