package schema

import (
	"fmt"
	"strings"
	"testing"
)

func TestNotifyProblems(t *testing.T) {
	good := Notify{Server: "smtp.example.com:587", TLS: "starttls", From: "mlp@example.com", To: []string{"a@example.com"}, User: "u"}
	for want, change := range map[string]func(*Notify) []string{
		"":        func(*Notify) []string { return []string{"password"} },
		"server":  func(n *Notify) []string { n.Server = "smtp.example.com"; return []string{"password"} },
		"from":    func(n *Notify) []string { n.From = "mlp"; return []string{"password"} },
		"to[1]":   func(n *Notify) []string { n.To = append(n.To, "b"); return []string{"password"} },
		"to":      func(n *Notify) []string { n.To = nil; return []string{"password"} },
		"user":    func(*Notify) []string { return nil },
		"tls":     func(n *Notify) []string { n.TLS = "none"; return []string{"password"} },
		"command": func(n *Notify) []string { *n = Notify{Command: []string{""}}; return nil },
	} {
		n := good
		n.To = append([]string{}, good.To...)
		got := n.Problems(change(&n))
		if len(got) > 1 || (len(got) == 1) != (want != "") || len(got) == 1 && got[0].Path != want {
			t.Errorf("%q: got %v", want, got)
		}
	}
	for address, want := range map[string]string{
		"https://oncall.example.com/x": "", "http://localhost:8080/x": "", "http://127.0.0.1/": "", "http://[::1]:1/": "",
		"http://oncall.example.com/x": "unencrypted", "ftp://a/b": "no address", "oncall": "no address", "https://": "no address", "https://u:p@a/b": "password",
	} {
		if got := fmt.Sprint((&Notify{URL: address}).Problems(nil)); (got == "[]") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %s", address, got)
		}
	}
}
