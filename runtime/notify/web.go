package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Webhook posts events as JSON, signed as Standard Webhooks 1.0 has it: a receiver that keeps the ids which it has seen, and refuses old timestamps, takes
// each message once. Redirects are not followed.
type Webhook struct {
	URL string
	Key []byte // of HMAC-SHA256: the bytes themselves, or whsec_ and their base64
}

// address is one that nobody on the way reads; a secret may be any text.
func address(text string) error {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !schema.Private(u) {
		return errors.New("its address is none of https, or of http on this machine")
	}
	return nil
}

// Send implements Sender.
func (w *Webhook) Send(ctx context.Context, e Event) error {
	if err := address(w.URL); err != nil {
		return err
	}
	body, err := e.encoded()
	if err != nil {
		return err
	}
	key := w.Key
	if text, ok := strings.CutPrefix(string(key), "whsec_"); ok {
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return errors.New("the key begins with whsec_, and no base64 follows")
		}
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.ID + "." + at + "."))
	mac.Write(body)
	return post(ctx, w.URL, body, map[string]string{
		"Webhook-Id": e.ID, "Webhook-Timestamp": at, "Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	})
}

// Slack posts messages to an incoming webhook, whose address is a secret.
type Slack struct{ URL string }

// Send implements Sender.
func (s *Slack) Send(ctx context.Context, e Event) error {
	if err := address(s.URL); err != nil {
		return err
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	body, err := json.Marshal(map[string]string{"text": "*" + escape(e.Subject()) + "*\n```" + escape(strings.ReplaceAll(e.Text(), "```", "'''")) + "```"})
	if err != nil {
		return err
	}
	return post(ctx, s.URL, body, nil)
}

// client follows no redirects: what is sent is for the one who was named.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends JSON. Errors do not have the address, which may be what opens it.
func post(ctx context.Context, to string, body []byte, headers map[string]string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return again{err}
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("the answer is %s: %q", resp.Status, said)
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout {
		return again{err}
	}
	return err
}
