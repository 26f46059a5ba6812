package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"
)

// SMTP sends e-mail in plain text.
type SMTP struct {
	Server   string // host:port
	TLS      string // "starttls", "tls" or "none"
	From     string
	To       []string
	User     string // "": nobody logs in
	Password string
	Roots    *x509.CertPool // that vouch for the server; nil: those of this machine
}

// address is the server's.
func (s *SMTP) address() (host string, port int, err error) {
	host, number, err := net.SplitHostPort(s.Server)
	if err == nil {
		port, err = strconv.Atoi(number)
	}
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("%q is no server with a port", s.Server)
	}
	return host, port, nil
}

// message is an event as mail. Line ends in a subject would begin another header, which the library encodes.
func (s *SMTP) message(e Event) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(s.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := m.To(s.To...); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	_, domain, _ := strings.Cut(strings.TrimSuffix(s.From, ">"), "@")
	m.SetMessageIDWithValue(e.ID + "@" + domain)
	m.SetDateWithValue(e.At)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.Subject(e.Subject())
	m.SetBodyString(mail.TypeTextPlain, e.Text())
	return m, nil
}

// Send implements Sender. What the server refuses for good (5xx) is not tried again.
func (s *SMTP) Send(ctx context.Context, e Event) error {
	host, port, err := s.address()
	if err != nil {
		return err
	}
	m, err := s.message(e)
	if err != nil {
		return err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(patience), mail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12})}
	switch s.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	c, err := mail.NewClient(host, options...)
	if err != nil {
		return err
	}
	err = c.DialAndSendWithContext(ctx, m)
	var sent *mail.SendError
	if err != nil && (!errors.As(err, &sent) || sent.IsTemp()) {
		return again{err}
	}
	return err
}
