package workspace

import (
	"time"
)

// Now is the time of a record, in UTC and whole seconds: by the workspace's clock where it has one.
func (w *Workspace) Now() time.Time {
	if w.Clock != nil {
		return w.Clock().UTC().Truncate(time.Second)
	}
	return now()
}

// Now is that of the workspace.
func (s *Session) Now() time.Time { return s.w.Now() }

// now is the time of this machine's clock, for what is told of the machine itself.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
