// Package postgres fetches the rows of a query from a PostgreSQL server, as JSON objects one a line, ordered by their bytes. All
// that is asked, the version too, is asked in one read-only transaction that sees the database as it was at one moment
// (repeatable read).
//
// # Version and rows
//
// The version of the rows is their number with a hash of them, computed on the server. The hash is made of two sums of the
// rows' 64-bit hashes, with different seeds: sums do not depend on the order of rows, so nothing has to be sorted or sent
// to learn that nothing changed. Where that takes too long the block states a query of its own for the version, such as
//
//	select max(changed_at), count(*) from orders
//
// The file is the same on every server that holds the same rows. Each row is the text of row_to_json, under session settings that
// fix time zone, dates, floats and bytes (settings), and rows stand in the order of that text under the collation "C":
//
//	{"id":1,"paid_at":"2026-03-01T10:00:00+00:00","amount":5.00}
//	{"id":10,"paid_at":"2026-03-02T09:30:00+00:00","amount":7.25}
//	{"id":2,"paid_at":"2026-03-01T11:00:00+00:00","amount":1.00}
package postgres

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Port is the one at which the rows come out, in the file File.
const (
	Port    = "files"
	File    = "rows.ndjson"
	outside = "outside"
)

// Component is the fetch of one query's rows.
var Component = component.Component{
	Kind:    schema.FetchKind,
	Type:    schema.Type{Name: "postgres", Version: 1, Summary: "The rows of a query of a PostgreSQL server"},
	Version: version,
	Columns: columns,
	Run:     run,
}

// Config is what a fetch is told.
type Config struct {
	URL      string `json:"url"`               // postgres://user@host:5432/database, without password
	Query    string `json:"query"`             // one SELECT
	Version  string `json:"version,omitempty"` // a SELECT of one row that tells versions apart; empty: the rows themselves do
	MaxBytes int64  `json:"max_bytes"`         // of the file File; more are an error
}

// Check reads the address of a database.
func Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it cannot be read")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return errors.New("it does not begin with postgres://")
	case u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") == "":
		return errors.New("it lacks its host, user or database")
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return errors.New("it has a password in it, which would stand in plans and in the state")
	}
	_, err = pgx.ParseConfig(address)
	return err
}

// settings make the text of values the same on every server.
var settings = map[string]string{
	"TimeZone": "UTC", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex", "client_encoding": "UTF8",
	"application_name": "mlp",
}

// session is a connection with the one transaction in which all is asked.
type session struct {
	Config
	conn   *pgx.Conn
	tx     pgx.Tx
	secret []byte // nil: there is none
}

// begin connects and begins the transaction.
func begin(ctx context.Context, text json.RawMessage, secret []byte) (*session, error) {
	s, err := connect(ctx, text, secret)
	if err != nil {
		return nil, err
	}
	if s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		err = s.told("beginning to read", err)
		s.close()
		return nil, err
	}
	return s, nil
}

// connect connects. Where the address says nothing of TLS it is demanded, with a certificate that this
// machine believes, but from this machine's own server. The password is the secret and nothing else: neither PGPASSWORD nor a
// file of passwords is looked at.
func connect(ctx context.Context, text json.RawMessage, secret []byte) (*session, error) {
	config, err := component.Decode[Config](text)
	if err != nil {
		return nil, err
	}
	s := &session{Config: config, secret: secret}
	address, err := url.Parse(s.URL)
	if err != nil {
		return nil, &component.InputError{Summary: fmt.Sprintf("%q is no address of a database", s.URL)}
	}
	if query := address.Query(); !query.Has("sslmode") && !loopback(address.Hostname()) {
		query.Set("sslmode", "verify-full")
		address.RawQuery = query.Encode()
	}
	c, err := pgx.ParseConfig(address.String())
	if err != nil {
		return nil, &component.InputError{Summary: fmt.Sprintf("%q is no address of a database", s.URL), Detail: err.Error()}
	}
	c.Password = string(secret) // and none of the environment
	c.ConnectTimeout = 15 * time.Second
	// A query may be silent for hours; a machine that is gone is told from that in a minute.
	c.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}).DialContext
	c.RuntimeParams = settings
	if s.conn, err = pgx.ConnectConfig(ctx, c); err != nil {
		return nil, s.told("connecting", err)
	}
	return s, nil
}

// loopback reports whether a host is this machine, by name, address or the path of a socket.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback() || strings.HasPrefix(host, "/")
}

// close ends the transaction, which has written nothing. A query that was cancelled has the driver tell the server so, in the
// background: without that it would run to its end.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
	select {
	case <-s.conn.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}

// place is where the database is, for people.
func (s *session) place() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "the database"
	}
	return "the database " + strings.Trim(u.Path, "/") + " at " + u.Host
}

// told says what is wrong. What did not answer, or cannot now, is an ErrUnreachable; what the server refuses is an *InputError.
func (s *session) told(doing string, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		if what, detail := unencrypted(err); what != "" {
			return &component.InputError{Summary: s.place() + " " + what, Detail: detail}
		}
		var connection *net.OpError
		var name *net.DNSError
		if errors.As(err, &connection) { // it is told of once for each of the names of a host
			err = connection
		} else if errors.As(err, &name) {
			err = name
		}
		return component.Unreachable(fmt.Errorf("%s does not answer: %w", s.place(), err))
	}
	what := fmt.Sprintf("%s, %s: %s", s.place(), doing, refused.Message)
	detail, class := "", refused.Code[:min(2, len(refused.Code))]
	switch {
	case class == "08", class == "53", class == "57", class == "40": // connections, resources, an operator, what passes
		return component.Unreachable(errors.New(what))
	case class == "28":
		detail = "See that the user of the address and the secret of password are right."
		if s.secret == nil {
			detail = "If the user has a password, hand it: password = secret.NAME."
		}
	case refused.Code == "3D000":
		detail = "The end of the address names the database."
	case refused.Code == "42601":
		detail = `Names that are words of SQL, such as order, stand in double quotes: table = "\"order\"".`
	case refused.Code == "42P01", refused.Code == "42703":
		detail = strings.TrimSpace(refused.Hint + " Names with capital letters stand in double quotes.")
	case refused.Code == "42501":
		detail = "Have the right to read it granted to the user of the address."
	case refused.Code == "25006":
		detail = "A source reads: its query may change nothing."
	default:
		detail = strings.TrimSpace(refused.Detail + " " + refused.Hint)
	}
	return &component.InputError{Summary: what + " (SQLSTATE " + refused.Code + ")", Detail: detail}
}

// unencrypted says what is wrong, and what to do, where the server has no TLS or none that this machine believes; "" of other errors.
// Such a server is not taken for an absent one: it may be another than is meant.
func unencrypted(err error) (what, detail string) {
	var certificate *tls.CertificateVerificationError
	switch {
	case strings.Contains(err.Error(), "server refused TLS connection"): // the driver has no name for it
		return "answers without TLS", "sslmode = verify-full demands it, which holds where url says no other. Where the network is trusted, add ?sslmode=disable to url."
	case errors.As(err, &certificate):
		return "shows a certificate that is not believed: " + certificate.Err.Error(),
			"Add the certificate of who vouches for it, ?sslmode=verify-full&sslrootcert=FILE, to url, or name it in SSL_CERT_FILE. Where the network is trusted, ?sslmode=require encrypts and asks for none."
	}
	return "", ""
}

// rows are those of the query, one JSON object each.
func (s *session) rows() string {
	return "(select row_to_json(q)::text as row from (" + strings.TrimRight(strings.TrimSpace(s.Query), ";") + "\n) as q) as r"
}

// version is what the block's own query says, or else a hash of the rows: two sums of hashes, so that nothing is sorted or sent.
func (s *session) version(ctx context.Context) (string, int64, error) {
	if s.Config.Version != "" {
		return s.declared(ctx)
	}
	var n int64
	var a, b string
	err := s.tx.QueryRow(ctx, "select count(*), coalesce(sum(hashtextextended(row, 0)), 0)::text, coalesce(sum(hashtextextended(row, 1)), 0)::text from "+s.rows()).Scan(&n, &a, &b)
	if err != nil {
		return "", 0, s.told("reading the rows", err)
	}
	sum := sha256.Sum256([]byte(a + " " + b))
	return fmt.Sprintf("%d rows, hash %s", n, hex.EncodeToString(sum[:16])), n, nil
}

// longest is how many characters a declared version may have: it stands in plans.
const longest = 200

// declared is the version by the block's own query: its one row as JSON. How many rows there are is then not known (0).
func (s *session) declared(ctx context.Context) (string, int64, error) {
	rows, err := s.tx.Query(ctx, "select row_to_json(q)::text from ("+strings.TrimRight(strings.TrimSpace(s.Config.Version), ";")+"\n) as q limit 2")
	if err != nil {
		return "", 0, s.told("asking for the version", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return "", 0, s.told("asking for the version", err)
	case len(found) != 1:
		return "", 0, &component.InputError{Summary: fmt.Sprintf("the query of version yields %d rows, or more", len(found)), Detail: "It yields one, such as: select max(changed_at), count(*) from orders"}
	case len(found[0]) > longest:
		return "", 0, &component.InputError{Summary: "what the query of version yields is too long to stand in a plan", Detail: fmt.Sprintf("It has %d bytes, and at most %d are taken: md5(…) shortens it.", len(found[0]), longest)}
	}
	return found[0], 0, nil
}

// version connects, asks and ends: a plan asks nothing else of the server.
func version(ctx context.Context, o component.Outside) (string, error) {
	s, err := begin(ctx, o.Config, o.Secret)
	if err != nil {
		return "", err
	}
	defer s.close()
	v, _, err := s.version(ctx)
	return v, err
}

// run asks for the version and fetches the rows in one transaction, so that the rows are of that version, whatever is written
// meanwhile.
func run(ctx context.Context, stage *component.Stage) error {
	secret, err := stage.Secret()
	if err != nil {
		return err
	}
	s, err := begin(ctx, stage.Config, secret)
	if err != nil {
		return retry(err)
	}
	defer s.close()
	version, total, err := s.version(ctx)
	if err != nil {
		return retry(err)
	}
	if planned := stage.Versions[outside]; version != planned {
		return &component.InputError{Summary: fmt.Sprintf("%s changed since the plan was made: it had %s, and has %s", s.place(), planned, version), Detail: "Plan again."}
	}
	dir, err := stage.Output(Port)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	n, err := s.write(ctx, stage, file, total)
	if err = errors.Join(err, file.Close()); err != nil {
		return retry(err)
	}
	stage.Logf("fetched %d rows of %s, version %s", n, s.place(), version)
	return nil
}

// retry lets an attempt be made again at what did not answer.
func retry(err error) error {
	if errors.Is(err, component.ErrUnreachable) {
		return fmt.Errorf("%w: %w", err, component.ErrRetry)
	}
	return err
}

// write writes the rows in an order that is theirs, whatever the server's collation.
func (s *session) write(ctx context.Context, stage *component.Stage, file *os.File, total int64) (n int64, err error) {
	rows, err := s.tx.Query(ctx, "select row from "+s.rows()+` order by row collate "C"`)
	if err != nil {
		return 0, s.told("reading the rows", err)
	}
	defer rows.Close()
	out, size, told := bufio.NewWriterSize(file, 1<<20), int64(0), time.Now()
	for rows.Next() {
		text := rows.RawValues()[0]
		if size += int64(len(text)) + 1; size > s.MaxBytes {
			return n, &component.InputError{Summary: fmt.Sprintf("the rows have more than max_bytes = %d", s.MaxBytes), Detail: "If that is meant, write a greater max_bytes; or ask for fewer columns or rows."}
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return n, err
		}
		if n++; n%1024 == 0 && total > 0 && time.Since(told) > time.Second {
			told = time.Now()
			stage.Progress(int(n), int(total))
		}
	}
	if err := rows.Err(); err != nil {
		return n, s.told("reading the rows", err)
	}
	return n, out.Flush()
}
