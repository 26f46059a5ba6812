package workspace

import (
	"os/user"
)

// UserName is the user of the operating system, for records.
func UserName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
