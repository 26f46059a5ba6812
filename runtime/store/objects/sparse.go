package objects

import (
	"bytes"
	"io"
	"os"
	"syscall"
)

// holes reports whether something is a file with fewer blocks than its length needs.
// Blocks are of 512 bytes, whatever the file system's own are (stat(2), st_blocks).
func holes(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Blocks*512 < info.Size()
}

// sparseWriter leaves out what is nothing but zeros. Its file is to be given its length at the end.
type sparseWriter struct {
	file *os.File
	size int64
}

// zeros are what pieces of a file are compared with; 64 KiB are a multiple of the block size of all usual file systems.
var zeros [1 << 16]byte

// Write leaves out blocks of zeros, which the file system keeps as holes: a file of a stage that is mostly empty costs
// nothing twice.
func (w *sparseWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		piece := p[:min(len(p), len(zeros))]
		if !bytes.Equal(piece, zeros[:len(piece)]) {
			if n, err := w.file.WriteAt(piece, w.size); err != nil {
				return written + n, err
			}
		}
		w.size += int64(len(piece))
		written += len(piece)
		p = p[len(piece):]
	}
	return written, nil
}
