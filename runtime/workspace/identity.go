package workspace

import (
	"os/user"
)

// UserName is the user of the operating system, for records; "unknown" where the system does not tell. It proves
// nothing: who can write to the store can write any name.
func UserName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
