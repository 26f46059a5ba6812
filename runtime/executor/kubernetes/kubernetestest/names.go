package kubernetestest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// serveNames answers what pods ask for names, in the place of CoreDNS, which is no part of Kubernetes: of a pod's name behind a headless service, such as
// trainer-0.trainer.default.svc.cluster.local, its address as the EndpointSlices of the service have it. There are no other names. The kubelets of `up` send pods here.
func (c *Cluster) serveNames(t testing.TB, address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", net.JoinHostPort(address, "53"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = conn.Close()
	})
	go func() {
		for buffer := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := c.answer(ctx, buffer[:n]); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
}

// answer is that to one message.
func (c *Cluster) answer(ctx context.Context, message []byte) ([]byte, error) {
	var asked dnsmessage.Message
	if err := asked.Unpack(message); err != nil {
		return nil, err
	}
	if len(asked.Questions) != 1 {
		return nil, fmt.Errorf("%d questions", len(asked.Questions))
	}
	q := asked.Questions[0]
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired, RecursionAvailable: true}, Questions: asked.Questions}
	found, ok := c.named(ctx, strings.ToLower(q.Name.String()))
	switch {
	case !ok:
		out.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		var a dnsmessage.AResource
		copy(a.A[:], found.To4())
		out.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}, Body: &a}}
	}
	return out.Pack()
}

// named is the address of a pod by its name behind a service.
func (c *Cluster) named(ctx context.Context, name string) (net.IP, bool) {
	host, ok := strings.CutSuffix(name, ".svc.cluster.local.")
	parts := strings.Split(host, ".")
	if !ok || len(parts) != 3 {
		return nil, false
	}
	var slices struct {
		Items []struct {
			Endpoints []struct {
				Hostname  string
				Addresses []string
			}
		}
	}
	if err := c.get(ctx, "/apis/discovery.k8s.io/v1/namespaces/"+parts[2]+"/endpointslices?labelSelector=kubernetes.io/service-name%3D"+parts[1], &slices); err != nil {
		return nil, false
	}
	for _, s := range slices.Items {
		for _, e := range s.Endpoints {
			if e.Hostname == parts[0] && len(e.Addresses) > 0 {
				ip := net.ParseIP(e.Addresses[0])
				return ip, ip.To4() != nil
			}
		}
	}
	return nil, false
}

// get reads an object, for whoever is no test.
func (c *Cluster) get(ctx context.Context, path string, to any) error {
	code, answer, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("status %d", code)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, to)
}
