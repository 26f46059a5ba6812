package protocol

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// masterPort is the port at which rank 0 may listen for the others. Each replica has an address of its own, so that it is free.
const masterPort = 29500

// rankVariables are those by which PyTorch, XGBoost's trackers and their like learn who they are.
func rankVariables(r executor.Rank) map[string]string {
	return map[string]string{
		"RANK": strconv.Itoa(r.Number), "WORLD_SIZE": strconv.Itoa(r.World), "LOCAL_RANK": "0",
		"MASTER_ADDR": r.Master, "MASTER_PORT": strconv.Itoa(masterPort),
	}
}

// RankLogs join the logs of several ranks into one, a line at a time, each behind its rank: "[rank 2] loss 0.31".
type RankLogs struct {
	mu sync.Mutex
	to io.Writer
}

// NewRankLogs returns logs that write whole lines to a writer, each with one Write. A nil writer drops them.
func NewRankLogs(to io.Writer) *RankLogs {
	if to == nil {
		to = io.Discard
	}
	return &RankLogs{to: to}
}

// Of is the log of one rank, which takes any pieces. It is not for use by several goroutines; what is written without an end of line waits for it.
func (l *RankLogs) Of(rank int) io.Writer { return &rankLog{logs: l, rank: rank} }

type rankLog struct {
	logs *RankLogs
	rank int
	rest []byte
}

func (r *rankLog) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, ok := bytes.Cut(r.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		if err := r.logs.write(fmt.Appendf(nil, rankPrefix+"%s\n", r.rank, line)); err != nil {
			return 0, err
		}
		r.rest = append(r.rest[:0], rest...)
	}
}

func (l *RankLogs) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.to.Write(line)
	return err
}

// rankPrefix begins the lines of a rank.
const rankPrefix = "[rank %d] "

// CutRank takes a line of RankLogs apart; false of another one.
func CutRank(line string) (rank int, rest string, ok bool) {
	text, ok := strings.CutPrefix(line, "[rank ")
	if !ok {
		return 0, line, false
	}
	number, rest, ok := strings.Cut(text, "] ")
	rank, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0, line, false
	}
	return rank, rest, true
}

// Wrote is the name of a file in a folder of outputs, the first by name; empty: there is none.
func Wrote(out string) (name string, err error) {
	err = filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if name, err = filepath.Rel(out, path); err != nil {
			return err
		}
		return fs.SkipAll
	})
	return filepath.ToSlash(name), err
}
