package local

import "os"

// Disk is what a bucket asks of a file system that decides what a power cut leaves. What it does besides, such as writing temporary
// files, rests on a later Sync. The file system of this machine is the one that is used; a test puts package powercut before it.
type Disk interface {
	// Sync brings to the disk what a file holds, or which names a folder has. The name of the file or folder itself is that of
	// the folder above.
	Sync(path string) error
	// SyncAll brings to the disk what Sync of each of these would, in one wait and with whatever else was written. It reports false where that
	// is not to be had, or would take longer than to sync each; then nothing is promised.
	SyncAll(paths []string) (bool, error)
	Mkdir(path string) error
	// Link gives a file a second name; the error is os.ErrExist where that is taken.
	Link(from, to string) error
	// Rename gives a file or folder another name, and takes that from what had it.
	Rename(from, to string) error
}

// machine is the file system of this machine.
type machine struct{ whole whole }

func (*machine) Mkdir(path string) error { return os.Mkdir(path, 0o755) }

func (*machine) Link(from, to string) error { return os.Link(from, to) }

func (*machine) Rename(from, to string) error { return os.Rename(from, to) }
