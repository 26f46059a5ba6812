package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Folders that are used again.
//
// A stage needs some ten folders and links, for milliseconds. A file system keeps what was removed a moment ago from being used again,
// and looks past it each time that it makes something: on ext4 that was a fifth of what a tiny stage took. So a stage's folder that is
// emptied has the next stage. While nothing runs in it, it is called idle-…, for stage-… says that a stage was running (Left).

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

// executors is the folder in a stage's folder that executors see to.
const executors = "scratch"

// bare takes all but empty folders out of a folder. An error says that it cannot be used again.
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
		info, failed := e.Info()
		if failed != nil {
			return failed
		}
		if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != os.Geteuid() || info.Mode().Perm()&0o700 != 0o700 {
			return errors.New("it was handed over to somebody else")
		}
		if e.Name() != executors {
			err = errors.Join(err, Emptied(at))
		}
	}
	return err
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
