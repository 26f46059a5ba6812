package cache

import (
	"bytes"
	"slices"
)

// A pack is the answers that one process asked for, in bytes: another process on another machine asks for the same. It is of
// one program, and no other takes it: a key says what was asked, and the program is what answered.
//
//	mlp pack 1, the BLAKE3 sum of the rest, the program, and the answers as in a file, by key
//
// The sum finds out what was cut or changed by chance. That a pack was made by who may make one is for the caller to know.

const packMagic = "mlp pack 1\n"

// MaxPack is how large a pack becomes, in bytes. Ten thousand blocks have some hundred thousand; what is beyond is found out again.
const MaxPack = 16 << 20

// Pack returns the answers that were asked for since the file was read, as those of a program. The same answers give the
// same bytes. It is nil where nothing was asked.
func (f *File) Pack(program Key) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.DeleteFunc(inOrder(f.entries), func(r record) bool { return !r.asked })
	if len(all) == 0 {
		return nil
	}
	return seal(packMagic, program[:], all, MaxPack)
}

// unpack returns a pack's answers; none if it is another program's, or anything is wrong with it.
func unpack(program Key, text []byte) map[Key]*entry {
	body, ok := opened(packMagic, text)
	if !ok || len(text) > MaxPack {
		return nil
	}
	rest, ok := bytes.CutPrefix(body, program[:])
	if !ok {
		return nil
	}
	return entriesOf(rest)
}

// Behind has the file go on with a pack where it does not have an answer itself. get returns the pack, or nil, and may take
// its time: it is called when an answer is missing, once, and whoever misses one waits. It is said before the first Get.
func (f *File) Behind(program Key, get func() []byte) {
	f.behind = func() map[Key]*entry { return unpack(program, get()) }
}

// takeBehind adds what is behind to the file, where the next process finds it.
func (f *File) takeBehind() {
	more := f.behind()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	had := len(f.entries)
	for key, e := range more {
		if f.entries[key] == nil {
			e.rank += had // it stands behind what this machine found out
			f.entries[key] = e
			f.added = true
		}
	}
}
