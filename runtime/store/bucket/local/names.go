package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Names that last.
//
// A value is durable when its file's content is on the disk, and its name in its folder, and the folder's own name in the folder above,
// up to the bucket. POSIX promises of a sync that what a file holds, or which names a folder has, is there: not the name of what is
// synced. So to put objects/blake3/ab/cd in a new bucket takes the sync of the file and then of the folders ab, blake3, objects, the
// bucket's own and the one that it lies in.
//
// What was synced once need not be again: settled remembers which names this process knows to be durable, those of folders and of
// values that it named or looked for. A folder that stands there already was perhaps made by another process which has not synced it
// yet, so the first who meets it has to. Before the folder above is synced its names are read, and all of them are settled at once: the
// 256 folders of objects cost one sync a process and not 256.
//
// Those who give names at the same time share syncs of folders: one of them, the leader, gives all their names and then syncs each
// folder once, and where that fails it has failed for all. Contents are synced by their writers, before that and side by side: the
// file system joins syncs that wait at the same time, and a stage's gigabytes must not hold up the record of another.
//
// Files are synced one by one and not by syncfs, however many they are. For 500 files of 2 KB, syncs side by side took 65 ms
// where syncfs took 8 on a disk that nobody else wrote to, and less than it where somebody did: syncfs waits for all that any
// process has written, such as what a running stage spills and will remove. Besides, it tells of no error before Linux 5.8.

// naming is a name that a whole file is to have.
type naming struct {
	from, to string // paths
	replace  bool   // whatever has the name
	had      bool   // something has the name, which stays
}

// request is what one caller wants to be named or to be settled.
type request struct {
	names   []*naming
	settle  []string // paths
	err     error
	settled chan struct{} // closed when it is done
}

// names is what those who give names in a bucket share.
type names struct {
	mu      sync.Mutex
	waiting []*request
	settled map[string]bool // paths whose names are durable

	leader chan struct{} // has room for one
}

// syncs is how many syncs go on at once.
const syncs = 16

// name syncs whole files and gives them their names for good. Where one of several fails, those before it may have theirs.
func (b *Bucket) name(all []*naming) error {
	var files []string
	for _, n := range all {
		files = append(files, n.from)
	}
	if err := b.sync(files); err != nil {
		return err
	}
	return b.share(&request{names: all})
}

// sync brings files and folders to the disk, side by side.
func (b *Bucket) sync(paths []string) error {
	if len(paths) == 1 {
		return b.disk.Sync(paths[0])
	}
	var g errgroup.Group
	g.SetLimit(syncs)
	for _, path := range paths {
		g.Go(func() error { return b.disk.Sync(path) })
	}
	return g.Wait()
}

// share has a request done, with those of others that wait.
func (b *Bucket) share(r *request) error {
	r.settled = make(chan struct{})
	b.names.mu.Lock()
	b.names.waiting = append(b.names.waiting, r)
	b.names.mu.Unlock()
	select {
	case b.names.leader <- struct{}{}:
		b.names.mu.Lock()
		group := b.names.waiting
		b.names.waiting = nil
		b.names.mu.Unlock()
		b.lead(group)
		<-b.names.leader
		<-r.settled // by this one, or by the leader before
	case <-r.settled:
	}
	return r.err
}

// lead gives the names of a group and has them settled together.
func (b *Bucket) lead(group []*request) {
	given := folders{}
	for _, r := range group {
		for _, n := range r.names {
			if r.err = b.give(n); r.err != nil {
				break
			}
			b.want(given, n.to, !n.had)
		}
		for _, path := range r.settle {
			b.want(given, path, false)
		}
	}
	err := b.bring(given)
	for _, r := range group {
		r.err = errors.Join(r.err, err)
		close(r.settled)
	}
}

// give gives a name, in a folder that is made where there is none.
func (b *Bucket) give(n *naming) error {
	act := func() error {
		if n.replace {
			return b.disk.Rename(n.from, n.to)
		}
		err := b.disk.Link(n.from, n.to)
		if err != nil && !errors.Is(err, os.ErrExist) && linksUnsupported(err) {
			return copyNew(n.from, n.to)
		}
		return err
	}
	err := act()
	if errors.Is(err, os.ErrNotExist) {
		if err = b.mkdir(filepath.Dir(n.to)); err == nil {
			err = act()
		}
	}
	if n.had = errors.Is(err, os.ErrExist); n.had {
		return nil
	}
	return err
}

// mkdir makes a folder, and those that it lies in, where they are not there.
func (b *Bucket) mkdir(dir string) error {
	err := b.disk.Mkdir(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err = b.mkdir(filepath.Dir(dir)); err == nil {
			err = b.disk.Mkdir(dir)
		}
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil {
		b.forget(dir)
	}
	return err
}

// folders are those to be synced.
type folders map[string]*inFolder

// inFolder is what a sync of a folder settles.
type inFolder struct {
	given []string // paths that were given their names
	all   bool     // and all other names that the folder has
}

// want adds the folders that a name rests on, unless the name is known to be durable and was not given right now.
func (b *Bucket) want(in folders, path string, given bool) {
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	for at := path; at != b.top && (given || !b.names.settled[at]); at, given = filepath.Dir(at), false {
		dir := filepath.Dir(at)
		if in[dir] == nil {
			in[dir] = &inFolder{}
		}
		if given || !b.inside(dir) {
			in[dir].given = append(in[dir].given, at)
		} else {
			in[dir].all = true
		}
	}
}

// bring syncs folders, and remembers whose names are durable from then on.
func (b *Bucket) bring(all folders) error {
	var settled []string
	var g errgroup.Group
	g.SetLimit(syncs)
	for dir, in := range all {
		settled = append(settled, in.given...)
		if in.all {
			entries, err := os.ReadDir(dir) // before the sync, which settles those that are there
			if err != nil {
				return err
			}
			for _, e := range entries {
				settled = append(settled, filepath.Join(dir, e.Name()))
			}
		}
		g.Go(func() error {
			err := b.disk.Sync(dir)
			if !b.inside(dir) && cannotSync(err) {
				return nil // who made the bucket's folder there has to see to its name
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	for _, path := range settled {
		b.names.settled[path] = true
	}
	return nil
}

// cannotSync tells a folder that this process may not sync, or that no sync is for, such as one of an image with the bucket's folder mounted
// in it, from a disk that fails.
func cannotSync(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.EROFS, syscall.EINVAL, syscall.ENOTSUP} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// inside reports whether a folder is the bucket's or below it.
func (b *Bucket) inside(dir string) bool {
	return dir == b.dir || strings.HasPrefix(dir, b.dir+string(filepath.Separator))
}

// forget is told of a name that is taken away or made anew. What is below it is not known to last either.
func (b *Bucket) forget(path string) {
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	if !b.names.settled[path] {
		return
	}
	delete(b.names.settled, path)
	for at := range b.names.settled {
		if strings.HasPrefix(at, path+string(filepath.Separator)) {
			delete(b.names.settled, at)
		}
	}
}

// Settle is as bucket.Settler says.
func (b *Bucket) Settle(ctx context.Context, keys ...string) error {
	r := &request{}
	for _, key := range keys {
		if err := bucket.Check(key); err != nil {
			return err
		}
		path := b.Path(key)
		if b.lasts(path) {
			continue
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		r.settle = append(r.settle, path)
	}
	if len(r.settle) == 0 {
		return ctx.Err()
	}
	return b.share(r)
}

// lasts reports whether a name is known to be durable.
func (b *Bucket) lasts(path string) bool {
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	return b.names.settled[path]
}

// above is the folder that a bucket's folder is made in: what is above that was there before.
func above(dir string) string {
	for at := filepath.Dir(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			return at
		}
	}
}
