// Package postgrestest starts a PostgreSQL server for a test: of Debian's package, in a folder of its own, as a user without rights.
//
//	s := postgrestest.Start(t)
//	s.Exec("create table orders (id bigint primary key, amount numeric(12, 2))")
//	t.Setenv("PGPASSWORD", postgrestest.Password)
//	… s.URL() …                                      // postgres://tester@127.0.0.1:41234/postgres
//	n := s.Ask("select count(*) from orders")        // "0"
//
// Down and Up end and start it again, for what a pipeline says of a database that is gone.
package postgrestest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is that of the user tester.
const Password = "a-password-of-the-test"

// Server is one that answers at 127.0.0.1, with a database postgres and the user tester. Its methods end the test where the server
// does not do what is asked.
type Server struct {
	Port int    // stays the same over Down and Up
	dir  string // of the data, the log and the socket
	bin  string // the folder of the server's programs: /usr/lib/postgresql/17/bin
	t    *testing.T
}

// Start starts a server that ends with the test. Without PostgreSQL the test is skipped, or fails where MLP_REQUIRE_POSTGRES is set.
// The port is one that was free a moment ago.
func Start(t *testing.T) *Server {
	t.Helper()
	s := &Server{t: t}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		if os.Getenv("MLP_REQUIRE_POSTGRES") != "" {
			t.Fatal("there is no initdb: apt-get install postgresql")
		}
		t.Skip("there is no initdb: apt-get install postgresql")
	}
	s.bin = filepath.Dir(found[0])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	if s.dir, err = os.MkdirTemp("", "mlp-postgres-"); err != nil { // a folder of the test is closed to other users
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	if err := s.own(s.dir); err != nil {
		t.Fatal(err)
	}
	pw := filepath.Join(s.dir, "pw")
	if err := os.WriteFile(pw, []byte(Password), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run("initdb", "-D", filepath.Join(s.dir, "data"), "-U", "tester", "-A", "scram-sha-256", "--pwfile", pw, "-E", "UTF8", "--locale", "C", "--no-sync")
	s.Up()
	t.Cleanup(s.Down)
	return s
}

// Up starts the server.
// It returns when the server answers. fsync is off: what a test writes need not survive it.
func (s *Server) Up() {
	s.t.Helper()
	s.run("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-w", "-t", "60", "-l", filepath.Join(s.dir, "log"),
		"-o", fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c fsync=off", s.Port, s.dir), "start")
}

// Down ends it.
// Connections are cut, as by a server that dies.
func (s *Server) Down() {
	_ = s.command("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-m", "immediate", "-w", "stop").Run() // it may be down already
}

// URL is the address of its database, without the password.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://tester@127.0.0.1:%d/postgres", s.Port)
}

// Exec does something in the database.
func (s *Server) Exec(sql string) {
	s.t.Helper()
	s.connected(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// Ask is the one value that a query yields, as text.
func (s *Server) Ask(sql string) (value string) {
	s.t.Helper()
	s.connected(func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "select v::text from ("+sql+") as q(v)").Scan(&value)
	})
	return value
}

// connected does something with a connection of its own.
func (s *Server) connected(do func(context.Context, *pgx.Conn) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, fmt.Sprintf("postgres://tester:%s@127.0.0.1:%d/postgres", Password, s.Port))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := do(ctx, c); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a program of the server's, and fails the test with all that was said, by the program and by the server in its log.
func (s *Server) run(name string, args ...string) {
	s.t.Helper()
	c := s.command(name, args...)
	log, err := os.CreateTemp("", "mlp-postgres-out-") // a pipe would stay open as long as the server runs
	if err != nil {
		s.t.Fatal(err)
	}
	defer os.Remove(log.Name())
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		more, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		s.t.Fatalf("%s: %v\n%s%s", name, err, text, more)
	}
}

// command is one that runs as a user without rights, as the server demands.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "HOME=" + s.dir, "LC_ALL=C", "TZ=UTC"}
	if uid, gid, ok := unprivileged(); ok {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	return c
}

// own gives a folder to the user that the server runs as.
func (s *Server) own(dir string) error {
	uid, gid, ok := unprivileged()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}

// unprivileged is the user nobody, where this is root: PostgreSQL refuses to run as that. ok is false for any other user, who
// runs it as themselves.
func unprivileged() (uid, gid uint32, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return 0, 0, false
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, false
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err == nil
}
