package scratch

// Stamp identifies a file's content without reading it: two equal stamps of a path are taken for the same content, whose digest
// need not be computed again. Times are in nanoseconds since 1970. A Ctime of 0 is not compared with a real one: it is set where
// hard links, which change it, are made all the time, as to objects.
type Stamp struct {
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"`
	Ctime int64  `json:"ctime"`
	Inode uint64 `json:"inode"`
}
