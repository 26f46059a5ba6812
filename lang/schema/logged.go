package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// LoggedTable is what the name of a table in a log of predictions says: 20261130T071400.000000000Z-41b7aa02-12300-9f2c61d0aa01bb02.parquet began then, has
// 12,300 rows, and a content whose digest begins so. Names are in the order of time.
type LoggedTable struct {
	Began  time.Time
	Rows   int64
	Digest string // the first 16 hexadecimal digits of its BLAKE3 digest
}

// LogStamp is how the name of a table in a log begins, in UTC.
const LogStamp = "20060102T150405.000000000Z"

const loggedSuffix = ".parquet"

// LoggedName is the name of a table in the log of the store. stem is that of the file that it comes from: a stamp, - and some chance.
func LoggedName(stem string, rows int64, digest string) string {
	return fmt.Sprintf("%s-%d-%s%s", stem, rows, digest[:16], loggedSuffix)
}

// ParseLogged reads such a name; false of any other.
func ParseLogged(name string) (t LoggedTable, ok bool) {
	stem, ok := strings.CutSuffix(name, loggedSuffix)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 4 || len(parts[3]) != 16 {
		return t, false
	}
	began, err := time.Parse(LogStamp, parts[0])
	rows, err2 := strconv.ParseInt(parts[2], 10, 64)
	return LoggedTable{began, rows, parts[3]}, err == nil && err2 == nil && rows >= 0
}
