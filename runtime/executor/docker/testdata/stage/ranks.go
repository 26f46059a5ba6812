package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
)

// ranks is one of several: rank 0 sums what the others send it. Then the variable DO says what becomes of them.
func ranks(ctx context.Context, s *component.Stage) error {
	rank, _ := strconv.Atoi(os.Getenv("RANK"))
	world, _ := strconv.Atoi(os.Getenv("WORLD_SIZE"))
	host, _ := os.Hostname()
	_, outside := net.DialTimeout("tcp", "1.1.1.1:53", time.Second)
	_, names := net.LookupHost("example.com")
	kept, _ := os.ReadFile(filepath.Join(s.Root, "checkpoint", "seen"))
	s.Logf("I am %s, kept %q, outside %t, names %t", host, kept, outside == nil, names == nil)
	peers, sum, err := meet(rank, world)
	if err != nil {
		return err
	}
	s.Progress(rank+1, 100)
	if rank == 0 {
		s.Logf("sum %d", sum)
	}
	switch do := os.Getenv("DO"); {
	case do == "fail" && rank == 2:
		return &component.InputError{Summary: "share 2 is bad"}
	case do == "memory" && rank == 1:
		return memory(ctx, s)
	case do == "hang" && rank%2 == 0:
		return nil
	case do == "hang":
		<-ctx.Done()
		return ctx.Err()
	case do == "fail" || do == "memory":
		return lose(peers)
	case do == "write" && rank == 2, rank == 0:
		dir, err := s.Output("files")
		return errors.Join(err, os.WriteFile(filepath.Join(dir, "b.txt"), fmt.Append(nil, sum), 0o644),
			os.WriteFile(filepath.Join(s.Root, "checkpoint", "seen"), []byte("rank 0's"), 0o600))
	}
	return os.WriteFile(filepath.Join(s.Root, "checkpoint", "seen"), []byte("mine"), 0o600)
}

// meet connects to the rank 0, which has a connection to each of the others then, and the sum of their ranks.
func meet(rank, world int) (peers []net.Conn, sum int, err error) {
	at := net.JoinHostPort(os.Getenv("MASTER_ADDR"), os.Getenv("MASTER_PORT"))
	if rank == 0 {
		l, err := net.Listen("tcp", ":"+os.Getenv("MASTER_PORT"))
		if err != nil {
			return nil, 0, err
		}
		for range world - 1 {
			c, err := l.Accept()
			if err != nil {
				return nil, 0, err
			}
			var b [1]byte
			if _, err := io.ReadFull(c, b[:]); err != nil {
				return nil, 0, err
			}
			peers, sum = append(peers, c), sum+int(b[0])
		}
		return peers, sum, nil
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", at)
		if err != nil {
			continue
		}
		_, err = c.Write([]byte{byte(rank)})
		return []net.Conn{c}, 0, err
	}
	return nil, 0, errors.New("rank 0 is not there")
}

// lose waits until a connection is lost, and fails by that, as those do whose peer died.
func lose(peers []net.Conn) error {
	lost := make(chan struct{})
	for _, c := range peers {
		go func() {
			_, _ = io.ReadAll(c)
			lost <- struct{}{}
		}()
	}
	<-lost
	return errors.New("a peer is gone")
}
