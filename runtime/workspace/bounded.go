package workspace

import (
	"fmt"
	"io"
	"os"
)

// maxDocument is the size in bytes of the largest JSON document that is read whole: a lock file, a saved plan, figures.
const maxDocument = 64 << 20

// ReadDocument reads a file whole, unless it is larger than any document of ours. A pipe is not waited for.
// The limit is held while reading, since a file may grow between Stat and Read.
func ReadDocument(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s is larger than %d MB", path, maxDocument>>20)
	}
	return data, err
}
