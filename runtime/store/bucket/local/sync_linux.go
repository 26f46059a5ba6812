package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll brings files and folders of the store's file system to the disk.
func syncAll(paths []string) error {
	if len(paths) <= fewFiles {
		return syncEach(paths)
	}
	f, err := os.Open(paths[0])
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
