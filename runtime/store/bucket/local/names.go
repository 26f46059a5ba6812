package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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
// Those who put at the same time share syncs: one of them, the leader, does for all that wait what is to be done, and those who come
// meanwhile are the next group. Contents have a leader, and names have another: a value's content is on the disk before its name is
// given, and one group's contents are synced while another's names are. Of a group each folder is synced once, and where that fails it
// has failed for all. Nobody waits for others to come: who is alone leads alone, at once.
//
// Large contents are synced by their writer, before it joins a group: a stage's gigabytes must not hold up the record of another. The file
// system joins syncs that wait at the same time.
//
// What a group has to sync is synced in one call where the disk can do so (Disk.SyncAll), else one by one, side by side.

// naming is a name that a whole file is to have.
type naming struct {
	from, to string // paths
	replace  bool   // whatever has the name
	had      bool   // something has the name, which stays
}

// request is what one caller wants to be on the disk.
type request struct {
	contents []string // paths of files
	names    []*naming
	settle   []string // paths
	err      error
	done     chan struct{} // closed when it is done
}

// group is those who wait for what is done for all of them at once.
type group struct {
	lead func([]*request)

	mu      sync.Mutex
	waiting []*request
	leader  chan struct{} // has room for one
}

func newGroup(lead func([]*request)) *group {
	return &group{lead: lead, leader: make(chan struct{}, 1)}
}

// names is what is known of those in a bucket.
type names struct {
	mu      sync.Mutex
	settled map[string]bool // paths whose names are durable
}

const (
	// syncs is how many syncs go on at once.
	syncs = 16
	// large is from how many bytes on contents are synced by their writer.
	large = 1 << 20
)

// share has a request done, with those of others that wait.
func (g *group) share(r *request) error {
	r.done = make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	g.mu.Unlock()
	select {
	case g.leader <- struct{}{}:
		runtime.Gosched() // who is about to come, since it ended with others, may do so; it is no wait
		g.mu.Lock()
		all := g.waiting
		g.waiting = nil
		g.mu.Unlock()
		g.lead(all)
		for _, r := range all {
			close(r.done)
		}
		<-g.leader
		<-r.done // by this one, or by the leader before
	case <-r.done:
	}
	return r.err
}

// name syncs whole files and gives them their names for good. Where one of several fails, those before it may have theirs.
func (b *Bucket) name(all []*naming) error {
	r, size := &request{}, int64(0)
	for _, n := range all {
		info, err := os.Lstat(n.from)
		if err != nil {
			return err
		}
		r.contents = append(r.contents, n.from)
		size += info.Size()
	}
	if size < large {
		_ = b.contents.share(r)
	} else {
		b.syncContents([]*request{r})
	}
	if r.err != nil {
		return r.err
	}
	return b.named.share(&request{names: all})
}

// syncContents brings the contents of a group to the disk.
func (b *Bucket) syncContents(group []*request) {
	var all []string
	for _, r := range group {
		all = append(all, r.contents...)
	}
	if done, err := b.disk.SyncAll(all); done {
		for _, r := range group {
			r.err = err
		}
		return
	}
	failed := make([]error, len(all))
	var g errgroup.Group
	g.SetLimit(syncs)
	for i, path := range all {
		g.Go(func() error {
			failed[i] = b.disk.Sync(path)
			return nil
		})
	}
	_ = g.Wait() // each has its own error
	for _, r := range group {
		r.err = errors.Join(failed[:len(r.contents)]...)
		failed = failed[len(r.contents):]
	}
}

// nameAll gives the names of a group and has them settled together.
func (b *Bucket) nameAll(group []*request) {
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
	var settled, dirs []string
	for dir, in := range all {
		dirs = append(dirs, dir)
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
	}
	done, err := b.disk.SyncAll(dirs)
	if !done {
		err = b.syncFolders(dirs)
	}
	if err != nil {
		return err
	}
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	for _, path := range settled {
		b.names.settled[path] = true
	}
	return nil
}

// syncFolders syncs folders one by one.
func (b *Bucket) syncFolders(dirs []string) error {
	var g errgroup.Group
	g.SetLimit(syncs)
	for _, dir := range dirs {
		g.Go(func() error {
			err := b.disk.Sync(dir)
			if !b.inside(dir) && cannotSync(err) {
				return nil // who made the bucket's folder there has to see to its name
			}
			return err
		})
	}
	return g.Wait()
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
	return b.named.share(r)
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
