//go:build unix && !linux

package local

// syncAll brings files and folders to the disk.
func syncAll(paths []string) error { return syncEach(paths) }
