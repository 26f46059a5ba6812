package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Folders that are used again.
//
// A stage needs some ten folders and links, for milliseconds. A file system keeps what was removed a moment ago from being used again,
// and looks past it each time that it makes something: on ext4 that was a fifth of what a tiny stage took. So a stage's folder that is
// emptied has the next stage, with the empty folders of its ports, which that one often has too. While nothing runs in it, it is called idle-…, for stage-… says that a stage was running (Left).

const working, resting = "stage-", "idle-"

// Work returns a folder for a stage, as Temp does: a new one, or one that Rest has emptied. In that one are empty folders, and what an executor
// left in its own, scratch.
func (p *Place) Work() (string, error) {
	for dir := p.rested(); dir != ""; dir = p.rested() {
		work := filepath.Join(filepath.Dir(dir), working+filepath.Base(dir)[len(resting):])
		if os.Rename(dir, work) == nil {
			return work, nil
		}
	}
	return p.Temp(working)
}

// rested takes a folder that nothing uses; "": there is none.
func (p *Place) rested() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return ""
	}
	dir := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return dir
}

// Rest takes back a folder of Work, in which nothing runs any more. One that cannot be emptied, or holds a folder of somebody else's, is removed.
func (p *Place) Rest(work string) {
	dir := filepath.Join(filepath.Dir(work), resting+filepath.Base(work)[len(working):])
	if bare(work) != nil || os.Rename(work, dir) != nil {
		_ = os.RemoveAll(work) // what is left is swept with the session
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil || filepath.Dir(dir) != p.session.dir {
		return // closed meanwhile, and swept
	}
	p.idle = append(p.idle, dir)
}

// executors is the folder in a stage's folder that executors see to; those of ports are in the others.
const executors, inputs, outputs = "scratch", "in", "out"

// bare takes all but empty folders out of a folder, and in those of inputs and outputs leaves the empty folders of ports. An error says that it
// cannot be used again.
func bare(work string) error {
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := filepath.Join(work, e.Name())
		if !e.IsDir() {
			err = errors.Join(err, os.Remove(at))
			continue
		}
		if !usable(at, 0o700) {
			return errors.New("it was handed over to somebody else")
		}
		switch e.Name() {
		case executors:
			continue
		case inputs, outputs:
		default:
			err = errors.Join(err, removeIn(at))
			continue
		}
		below, failed := os.ReadDir(at)
		err = errors.Join(err, failed)
		for _, e := range below {
			at := filepath.Join(at, e.Name())
			if e.IsDir() && usable(at, open) {
				err = errors.Join(err, removeIn(at))
			} else {
				err = errors.Join(err, os.RemoveAll(at))
			}
		}
	}
	return err
}

// open are the permissions of a folder that stages read, or write to, whoever they run as.
const open = 0o755

// usable reports whether a folder has at least these permissions for its owner, who is this user, or whom this user, who is root, may take it from.
func usable(dir string, mode os.FileMode) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(s.Uid) == os.Geteuid() || os.Geteuid() == 0) && info.Mode().Perm()&mode == mode
}

// Only makes a folder, for this user alone where it is made anew, that has an empty folder of each of the names and nothing else. Those that stand
// there stay; what a link leads to is left alone.
func Only(dir string, names ...string) error {
	entries, err := os.ReadDir(dir)
	if info, failed := os.Lstat(dir); err != nil || failed != nil || !info.IsDir() { // none is there, or a stage has made it something else
		entries, err = nil, errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700))
	}
	there := map[string]bool{}
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		if there[e.Name()] = slices.Contains(names, e.Name()) && usable(at, open); there[e.Name()] {
			err = errors.Join(err, removeIn(at))
		} else {
			err = errors.Join(err, os.RemoveAll(at))
		}
	}
	for _, name := range names {
		if !there[name] {
			err = errors.Join(err, os.Mkdir(filepath.Join(dir, name), open))
		}
	}
	return err
}

// Bare removes what is in a folder, if one is there; whatever else is there, too.
func Bare(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		return removeIn(dir)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// Emptied makes an empty folder, for this user alone where it is made anew. A folder that stands there stays, and loses what is in it; what a
// link leads to is left alone.
func Emptied(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && info.IsDir() {
		err = removeIn(dir)
	} else if err == nil {
		err = os.ErrExist
	}
	if err == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)) // none is there, or a stage has made it something else
}

// removeIn removes what is in a folder.
func removeIn(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
