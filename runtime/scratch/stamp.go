package scratch

// Stamp is what tells, without reading it, that a file is the one that was hashed. Times are in nanoseconds.
type Stamp struct {
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"`
	Ctime int64  `json:"ctime"`
	Inode uint64 `json:"inode"`
}
