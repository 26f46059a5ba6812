package workspace

import (
	"debug/elf"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/runtime/cache"
)

// program tells this program from all others by what is in it: whatever another one answers, it answers for itself. It is the
// same on every machine that runs the same file, and another wherever anything that decides an answer is another.
var program = sync.OnceValues(func() (cache.Key, error) {
	f, err := os.Open("/proc/self/exe") // what runs, also where another file has its name by now
	if errors.Is(err, os.ErrNotExist) {
		var path string
		if path, err = os.Executable(); err == nil {
			f, err = os.Open(path)
		}
	}
	if err != nil {
		return cache.Key{}, err
	}
	defer f.Close()
	return programOf(f)
})

// programOf is the digest of the build id that Go's linker notes in a program, which is made of all that the program was built
// from; of one without it, that of the whole file.
func programOf(f io.ReaderAt) (cache.Key, error) {
	if file, err := elf.NewFile(f); err == nil {
		if note := file.Section(".note.go.buildid"); note != nil {
			// Three numbers and the name "Go" stand before the id.
			if text, err := note.Data(); err == nil && len(text) > 16 {
				return blake3.Sum256(append([]byte("build id "), text...)), nil
			}
		}
	}
	const most = 1 << 62
	h := blake3.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, most)); err != nil {
		return cache.Key{}, err
	}
	return cache.Key(h.Sum([]byte{})), nil
}
