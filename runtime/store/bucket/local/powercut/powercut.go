// Package powercut tells what a folder would hold after a power cut, by what POSIX promises and nothing more. A test has buckets work
// on a Machine, cuts its power after any of the operations, and looks whether what was promised until then is there.
package powercut

// What a cut leaves.
//
//	the content of a file    what it was at its last Sync; of one that was never synced anything: nothing, a part, zeros, all
//	the names in a folder    those at the folder's last Sync, and of what was done to names since any part, in the order it was done
//	all of it                all that there was at a SyncAll, whoever wrote it
//	a folder, with all of it lost with its name, however often it was synced itself
//
// For example, after Mkdir a/b, Link t a/b/x, Sync a/b the name x in b is durable, and the name b in a is not: a cut may leave an empty a.
// File systems promise more, such as that names are kept in the order they were given; which one a store lies on nobody knows.

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

// Machine is a folder, and what the processes that work in it have asked of the disk. What was in the folder before is durable.
type Machine struct {
	root string

	mu  sync.Mutex
	ops []op
}

// op is an operation that succeeded. Paths are relative to the root.
type op struct {
	who      string
	what     string // sync, sync folder, sync all, mkdir, link or rename
	from, to string
	content  []byte            // of the file that was synced, linked or renamed
	all      map[string][]byte // contents of all files that there were, which were synced
	folder   bool              // what was renamed is one
}

// String is the operation on a line: "a: link tmp/file-1 objects/ab/cd".
func (o op) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s: %s %s %s", o.who, o.what, o.from, o.to)), " ")
}

// In returns the machine whose folder is root, which must be there.
func In(root string) *Machine { return &Machine{root: root} }

// Folder makes a folder for a test that makes and removes thousands of files: in memory where that can be.
func Folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "powercut-") // a name that is no scratch.Kind, whose folders are swept
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Process is a process on the machine, which syncs files and folders one by one. Before, which may be nil, is called before each of
// its operations, and may wait.
func (m *Machine) Process(name string, before func()) local.Disk {
	return &process{m, name, before, false}
}

// Whole is a process that syncs all that there is at once, where it has more than one thing to sync.
func (m *Machine) Whole(name string, before func()) local.Disk {
	return &process{m, name, before, true}
}

type process struct {
	*Machine
	name   string
	before func()
	whole  bool
}

// do has an operation done and remembers it.
func (p *process) do(what, from, to string, act func(*op) error) error {
	if p.before != nil {
		p.before()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o := op{who: p.name, what: what, from: p.relative(from), to: p.relative(to)}
	if err := act(&o); err != nil {
		return err
	}
	p.ops = append(p.ops, o)
	return nil
}

// relative is a path below the machine's folder; ".." for all that is not, "" for none.
func (m *Machine) relative(path string) string {
	if path == "" {
		return ""
	}
	rel, err := filepath.Rel(m.root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return ".." // of what is above the machine's folder nothing is lost
	}
	return filepath.ToSlash(rel)
}

// Sync brings nothing to the disk: it is only remembered.
func (p *process) Sync(path string) error {
	return p.do("sync", "", path, func(o *op) error {
		info, err := os.Lstat(path)
		if err == nil && info.IsDir() {
			o.what = "sync folder"
			return nil
		}
		return errors.Join(err, o.read(path))
	})
}

// SyncAll remembers all that there is by now, also what other processes are writing.
func (p *process) SyncAll(paths []string) (bool, error) {
	if !p.whole || len(paths) < 2 {
		return false, nil
	}
	return true, p.do("sync all", "", "", func(o *op) error {
		o.all = map[string][]byte{}
		return filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				o.all[p.relative(path)], err = os.ReadFile(path)
			}
			if errors.Is(err, fs.ErrNotExist) { // a temporary file that is not needed any more
				return nil
			}
			return err
		})
	})
}

// Mkdir makes the folder at once; its name is durable with the next Sync of the folder above.
func (p *process) Mkdir(path string) error {
	return p.do("mkdir", "", path, func(*op) error { return os.Mkdir(path, 0o755) })
}

// Link gives a file another name, and remembers what it held then.
func (p *process) Link(from, to string) error {
	return p.do("link", from, to, func(o *op) error { return errors.Join(o.read(from), os.Link(from, to)) })
}

// Rename takes one name away and gives another: two changes, of which a cut may keep either.
func (p *process) Rename(from, to string) error {
	return p.do("rename", from, to, func(o *op) error {
		info, err := os.Lstat(from)
		if err == nil && info.IsDir() {
			o.folder = true
		} else if err == nil {
			err = o.read(from)
		}
		return errors.Join(err, os.Rename(from, to))
	})
}

// read remembers what a file holds.
func (o *op) read(path string) (err error) {
	o.content, err = os.ReadFile(path)
	return err
}

// Now is how many operations there were. What returned before is promised in all cuts from here on.
func (m *Machine) Now() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ops)
}

// Cut writes what a cut after the first operations, so many, leaves of the machine's folder into another, and says what it lost. What may be
// lost or not is lost as the random numbers have it.
func (m *Machine) Cut(after int, random *rand.Rand, into string) (lost Lost, err error) {
	m.mu.Lock()
	ops := slices.Clone(m.ops[:after])
	m.mu.Unlock()
	s := replay(ops)
	c := &cut{state: s, random: random, how: random.IntN(5), lost: Lost{Ops: ops}}
	c.choose()
	return c.lost, c.write(".", into)
}

// Lost is what a cut lost, for messages.
type Lost struct {
	Ops  []op
	What []string
}

// String lists the operations before the cut, and what of them is gone.
func (l Lost) String() string {
	var b strings.Builder
	for i, o := range l.Ops {
		fmt.Fprintf(&b, "%4d %s\n", i+1, o)
	}
	return fmt.Sprintf("%slost: %s", b.String(), strings.Join(l.What, ", "))
}

// state is what is durable, and what is not yet.
type state struct {
	folders map[string]*folder
	synced  map[string][]byte // what files held at their last sync
	held    map[string][]byte // what they held when they were last seen
}

// folder is a folder's durable names, and what was done to names since its last Sync, in order.
type folder struct {
	names   map[string]entry
	pending []*change
}

// entry is what a name leads to: a folder, by its path, or a file, by its first path. First paths are those of temporary files, which
// no two files have; numbers of inodes are used again.
type entry struct{ file, folder string }

// change is what was done to a name and is not durable.
type change struct {
	in, name string
	to       *entry // nil: the name was taken away
	kept     bool
}

// replay is the state after operations, none of them cut.
func replay(ops []op) *state {
	s := &state{folders: map[string]*folder{".": {names: map[string]entry{}}}, synced: map[string][]byte{}, held: map[string][]byte{}}
	for _, o := range ops {
		switch o.what {
		case "sync":
			s.synced[s.at(o.to).file] = o.content
		case "sync folder":
			if o.to == ".." {
				continue
			}
			s.folder(o.to).settle()
		case "sync all":
			for path, content := range o.all {
				s.synced[s.at(path).file] = content
			}
			for _, f := range s.folders {
				f.settle()
			}
		case "mkdir":
			s.folder(o.to)
		case "link":
			e := s.at(o.from)
			s.held[e.file] = o.content
			s.name(o.to, &e)
		case "rename":
			e := s.at(o.from)
			if o.folder {
				e = entry{folder: o.from}
			}
			s.held[e.file] = o.content
			s.name(o.to, &e)
			s.name(o.from, nil)
		}
	}
	return s
}

// settle makes all names of a folder durable.
func (f *folder) settle() {
	f.names, f.pending = f.now(everything), nil
}

// everything keeps all that is pending.
func everything(*change) bool { return true }

// at is what a path leads to. What has no name yet is a temporary file.
func (s *state) at(path string) entry {
	if f := s.folders[filepath.Dir(path)]; f != nil {
		if e, ok := f.now(everything)[filepath.Base(path)]; ok {
			return e
		}
	}
	return entry{file: path}
}

// folder is that at a path. One that nobody was seen to make was made by somebody a moment ago.
func (s *state) folder(path string) *folder {
	if f := s.folders[path]; f != nil {
		return f
	}
	f := &folder{names: map[string]entry{}}
	s.folders[path] = f
	s.name(path, &entry{folder: path})
	return f
}

// name notes that a name leads elsewhere now, or nowhere (nil).
func (s *state) name(path string, to *entry) {
	dir := filepath.Dir(path)
	in := s.folder(dir)
	in.pending = append(in.pending, &change{in: dir, name: filepath.Base(path), to: to})
}

// now is what names a folder has with some of what is pending.
func (f *folder) now(kept func(*change) bool) map[string]entry {
	names := maps.Clone(f.names)
	for _, c := range f.pending {
		switch {
		case !kept(c):
		case c.to == nil:
			delete(names, c.name)
		default:
			names[c.name] = *c.to
		}
	}
	return names
}

// cut is a state of which a part is lost. how is the way that parts are chosen.
type cut struct {
	*state
	random *rand.Rand
	how    int
	lost   Lost
}

// choose says which changes are kept: all, none, all but one, one alone, or each as it comes.
func (c *cut) choose() {
	var all []*change
	for _, path := range slices.Sorted(maps.Keys(c.folders)) {
		all = append(all, c.folders[path].pending...)
	}
	one := c.random.IntN(max(len(all), 1))
	for i, change := range all {
		switch c.how {
		case 0:
			change.kept = true
		case 1:
			change.kept = false
		case 2:
			change.kept = i != one
		case 3:
			change.kept = i == one
		default:
			change.kept = c.random.IntN(2) == 0
		}
		if !change.kept {
			c.lost.What = append(c.lost.What, fmt.Sprintf("the name %s in %s", change.name, change.in))
		}
	}
}

// write lays out a folder.
func (c *cut) write(path, into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	names := c.folders[path].now(func(change *change) bool { return change.kept })
	for _, name := range slices.Sorted(maps.Keys(names)) {
		e, at := names[name], filepath.Join(into, name)
		var err error
		if e.folder != "" {
			err = c.write(e.folder, at)
		} else {
			err = os.WriteFile(at, c.content(e.file, filepath.Join(path, name)), fs.FileMode(0o644))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// content is what a file holds after the cut: what was synced, or any of what an unsynced file may hold.
func (c *cut) content(file, path string) []byte {
	if data, ok := c.synced[file]; ok {
		return data
	}
	data := c.held[file]
	c.lost.What = append(c.lost.What, "the content of "+path)
	switch c.random.IntN(4) {
	case 0:
		return nil
	case 1:
		return data[:len(data)/2]
	case 2:
		return make([]byte, len(data))
	}
	return data
}
