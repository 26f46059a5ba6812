package notify

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// server is Debian's aiosmtpd with TLS and a user. It prints the port, and keeps each message in a file of the folder.
const server = `
import itertools, os, socket, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
folder, mode = sys.argv[1:3]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
count = itertools.count()
class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 there is nobody"
        if address.startswith("later@"):
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        name = f"{folder}/{next(count)}.eml"
        with open(name + ".tmp", "wb") as f:
            f.write(("\n".join(envelope.rcpt_tos) + "\n" + str(session.ssl is not None) + "\n\n").encode() + envelope.content)
        os.rename(name + ".tmp", name)
        return "250 kept"
def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"mlp" and data.password == b"a-password-of-the-test"
    return AuthResult(success=good, handled=good)
free = socket.create_server(("127.0.0.1", 0)); port = free.getsockname()[1]; free.close()
options = dict(authenticator=authenticate)
if mode == "starttls":
    options.update(tls_context=context, require_starttls=True, auth_required=True)
elif mode == "tls":
    options.update(ssl_context=context, auth_required=True, auth_require_tls=False)
Controller(Keep(), hostname="127.0.0.1", port=port, **options).start()
print(port, flush=True)
sys.stdin.read()
os._exit(0)
`

// startSMTP gives the address of a server, the folder with what came, and who vouches for it.
func startSMTP(t *testing.T, mode string) (address, dir string, roots *x509.CertPool) {
	t.Helper()
	if out, err := exec.Command("/usr/bin/python3", "-c", "import aiosmtpd.controller").CombinedOutput(); err != nil {
		if os.Getenv("MLP_REQUIRE_SMTP") != "" {
			t.Fatalf("there is no aiosmtpd: apt-get install python3-aiosmtpd: %s", out)
		}
		t.Skip("there is no aiosmtpd: apt-get install python3-aiosmtpd")
	}
	dir = t.TempDir()
	roots = certificate(t, dir)
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "-c", server, dir, mode)
	stop, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &tail{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not begin: %v\n%s", err, said.text)
	}
	return "127.0.0.1:" + strings.TrimSpace(line), dir, roots
}

// certificate lays out the one that httptest has for 127.0.0.1, and gives who vouches for it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	c := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"key.pem": {Type: "PRIVATE KEY", Bytes: key}, "cert.pem": {Type: "CERTIFICATE", Bytes: c.Certificate[0]}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return roots
}

// TestSMTP: a real server gets the message once, over TLS, from one who logged in.
func TestSMTP(t *testing.T) {
	for _, mode := range []string{"starttls", "tls", "none"} {
		t.Run(mode, func(t *testing.T) {
			address, dir, roots := startSMTP(t, mode)
			s := &SMTP{Server: address, TLS: mode, From: "mlp <mlp@example.com>", To: []string{"a@example.com", "b@example.com"}, Roots: roots}
			if mode != "none" {
				s.User, s.Password = "mlp", "a-password-of-the-test"
			}
			n := &Notifier{Bucket: folder(t), Waits: []time.Duration{0, 0}, Targets: []Target{{Address: "notify.mail", Workspaces: []string{"default"}, To: s}}}
			for range 2 {
				if err := n.Send(t.Context(), event); err != nil {
					t.Fatal(err)
				}
			}
			all, _ := filepath.Glob(filepath.Join(dir, "*.eml"))
			if len(all) != 1 {
				t.Fatalf("got %d messages, want 1", len(all))
			}
			data, err := os.ReadFile(all[0])
			if err != nil {
				t.Fatal(err)
			}
			head, text, _ := strings.Cut(string(data), "\n\n")
			secure := map[bool]string{true: "True", false: "False"}[mode == "starttls"] // of a session that began without; with tls there is no other
			if head != "a@example.com\nb@example.com\n"+secure {
				t.Errorf("got the envelope %q", head)
			}
			m, err := mail.ReadMessage(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Header.Get("Message-Id"); m.Header.Get("Subject") != event.Subject() || got != "<"+event.ID+"@example.com>" || !strings.Contains(text, "mlp report gate.release") {
				t.Errorf("got %s", text)
			}
			for to, again := range map[string]bool{"nobody@example.com": false, "later@example.com": true} {
				s.To = []string{to}
				if err := s.Send(t.Context(), event); err == nil || errors.Is(err, ErrAgain) != again {
					t.Errorf("%s: got %v, again %v", to, err, again)
				}
			}
			if s.To = []string{"a@example.com"}; mode != "none" {
				s.Password = "another-password"
				if err := s.Send(t.Context(), event); err == nil || strings.Contains(err.Error(), s.Password) {
					t.Errorf("with another password: got %v", err)
				}
				s.Roots = nil
				if err := s.Send(t.Context(), event); err == nil || !strings.Contains(err.Error(), "certificate") {
					t.Errorf("of a server that nobody vouches for: got %v", err)
				}
			} else if s.TLS = "starttls"; s.Send(t.Context(), event) == nil {
				t.Error("a server without TLS got a message that was to be encrypted")
			}
		})
	}
}
