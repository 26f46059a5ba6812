package workspace

import (
	"time"
)

// now is the time of a record, in UTC and whole seconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
