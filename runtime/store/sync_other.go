//go:build unix && !linux

package store

// syncAll brings files and folders to the disk.
func syncAll(paths []string) error { return syncEach(paths) }
