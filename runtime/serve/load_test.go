package serve

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// BenchmarkLoad is 32 clients at once that ask for one row each: of the echo, of mlp, and of an mlp that keeps what it answers, for a quarter of a second
// each and in turns, so that what else the machine does befalls all alike.
//
//	mlp/echo    answers a second of mlp over those of the echo
//	p99/echo    the latency that one of a hundred exceeds, over the echo's
//	kept/free   answers a second with a log of predictions over those without
//	cpu-kept/free  processor time of a request with the log over that without
func BenchmarkLoad(b *testing.B) {
	peers := []*peer{startPeer(b, "echo"), startPeer(b, "free"), startPeer(b, "kept")}
	body := rowsBody(1)
	request := []byte("POST /v1/models/scorer/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	var loads [3]load
	turn := func(turns int) {
		for range turns {
			for i, p := range peers {
				loads[i].add(p.load(b, request, 32, 250*time.Millisecond))
			}
		}
	}
	turn(2) // all are warm now
	loads = [3]load{}
	for b.Loop() {
		turn(16)
	}
	echo, free, kept := &loads[0], &loads[1], &loads[2]
	b.ReportMetric(free.rate(), "requests/s")
	b.ReportMetric(free.rate()/echo.rate(), "mlp/echo")
	b.ReportMetric(free.slowest(0.99)/echo.slowest(0.99), "p99/echo")
	b.ReportMetric(kept.rate()/free.rate(), "kept/free")
	b.ReportMetric(kept.slowest(0.99)/free.slowest(0.99), "p99-kept/free")
	b.ReportMetric(free.cost()/echo.cost(), "cpu-mlp/echo")
	b.ReportMetric(kept.cost()/free.cost(), "cpu-kept/free")
	b.ReportMetric(free.cost()*1e6, "cpu-µs/request")
}

// load is what a server did while clients asked for as much as it could.
type load struct {
	took, cpu time.Duration
	latencies []time.Duration // of each request
}

func (l *load) add(more load) {
	l.took, l.cpu, l.latencies = l.took+more.took, l.cpu+more.cpu, append(l.latencies, more.latencies...)
}

// rate is in answers a second, cost in seconds of the processor an answer.
func (l *load) rate() float64 { return float64(len(l.latencies)) / l.took.Seconds() }
func (l *load) cost() float64 { return l.cpu.Seconds() / float64(len(l.latencies)) }

// slowest is the latency, in seconds, that a share of the requests does not exceed.
func (l *load) slowest(share float64) float64 {
	slices.Sort(l.latencies)
	return l.latencies[int(share*float64(len(l.latencies)-1))].Seconds()
}

// load sends one request again and again over so many connections.
func (p *peer) load(b *testing.B, request []byte, connections int, span time.Duration) (out load) {
	var mu sync.Mutex
	var all sync.WaitGroup
	before, start := p.cpu(b), time.Now()
	for range connections {
		all.Go(func() {
			conn, err := net.Dial("tcp", p.conn.RemoteAddr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers, latencies := bufio.NewReader(conn), []time.Duration{}
			for time.Since(start) < span {
				sent := time.Now()
				if err := exchangeOnce(conn, answers, request); err != nil {
					b.Error(err)
					return
				}
				latencies = append(latencies, time.Since(sent))
			}
			mu.Lock()
			defer mu.Unlock()
			out.latencies = append(out.latencies, latencies...)
		})
	}
	all.Wait()
	out.took, out.cpu = time.Since(start), p.cpu(b)-before
	return out
}

// exchangeOnce sends a request and reads the answer, which is cheap enough to leave the processor to the server.
func exchangeOnce(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	line, err := answers.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return &failure{http.StatusInternalServerError, string(line)}
	}
	length := 0
	for {
		line, err := answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if len(name) == 0 {
			break
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	_, err = io.CopyN(io.Discard, answers, int64(length))
	return err
}
