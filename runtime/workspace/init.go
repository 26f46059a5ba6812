package workspace

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Init pins what lies outside in mlp.lock: Fetch the modules, then Pin columns and data, in this order, each once.
type Init struct {
	w         *Workspace
	old, lock *LockFile
	before    map[string]dataVersion // that were pinned before an upgrade
	upgrade   bool
	moved     bool // pins of modules changed
}

// Init begins to pin. An upgrade looks again at what is pinned already, and does not mind a lock file that cannot be
// read: it is how such a file is mended.
func (w *Workspace) Init(upgrade bool) (*Init, error) {
	old, err := ReadLock(w.Dir)
	if err != nil && !upgrade {
		return nil, err
	}
	if err != nil {
		old = NewLock()
	}
	in := &Init{w: w, old: old, lock: old, upgrade: upgrade, before: map[string]dataVersion{}}
	if upgrade {
		in.lock, in.before = NewLock(), old.Versions
	}
	return in, nil
}

// Fetch fetches what is called from repositories, and pins that in mlp.lock at once: it takes the modules to find what else
// is wrong. Each repository whose commit is another than before is told.
func (in *Init) Fetch(ctx context.Context, say func(Pinned)) error {
	pins, err := in.w.fetchModules(ctx, in.old, in.upgrade, say)
	if err != nil {
		return err
	}
	now := *in.old
	in.moved = !maps.Equal(pins, in.old.Modules)
	now.Modules, in.lock.Modules = pins, pins
	if in.moved {
		_, err = now.write(in.w.Dir)
	}
	return err
}

var errInterrupted = errors.New("interrupted; nothing new was pinned")

// Found is what was pinned. The lists are sorted.
type Found struct {
	Lock    *LockFile
	Changed bool     // mlp.lock is another than before
	Guessed []string // columns with types that were guessed from a source's files, a line a source
	Other   []string // sources whose files are not those that are pinned
}

// Pin looks at sources, and writes their columns and files to mlp.lock. What is asked or fetched elsewhere for that is
// told before, one line each, since it may take long. Sources whose files are not those that are pinned are not pinned
// anew, but named in Found.Other: only an upgrade moves a pin.
func (in *Init) Pin(ctx context.Context, vars Settings, tell func(string)) (*Found, error) {
	s, err := in.w.openWith(ctx, vars, in.lock, false, tell)
	if err != nil && ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	found := &Found{Lock: in.lock}
	if found.Other, err = s.pinVersions(ctx, in.before); err != nil {
		return nil, err
	}
	if found.Changed, err = in.lock.write(in.w.Dir); err != nil {
		return nil, err
	}
	found.Changed = found.Changed || in.moved
	slices.Sort(s.Library.Unpinned)
	for _, address := range s.Library.Unpinned {
		if columns := s.Library.Guessed(address); columns != "" {
			found.Guessed = append(found.Guessed, address+" "+s.Library.foundHow(address)+": "+columns)
		}
	}
	return found, nil
}
