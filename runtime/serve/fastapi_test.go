package serve

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkFastAPI is 32 clients at once that ask for one row each, of mlp and of FastAPI with scikit-learn, for two seconds each and in turns. Both have
// 300 trees of depth 6 over 30 features, and both cores: uvicorn has two workers. It needs Debian's python3-fastapi, python3-uvicorn and
// python3-sklearn, and is left out where they are not there.
//
//	mlp/fastapi  answers a second of mlp over FastAPI's
func BenchmarkFastAPI(b *testing.B) {
	const python = "/usr/bin/python3" // Debian's, which has its packages
	if err := exec.Command(python, "-c", "import fastapi, sklearn, uvicorn").Run(); err != nil {
		b.Skipf("no FastAPI with scikit-learn here: %v", err)
	}
	model := filepath.Join(b.TempDir(), "model")
	if out, err := exec.Command(python, "testdata/peer.py", model).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil { // its port is free, for whoever asks for it next
		b.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "uvicorn", "--app-dir", "testdata", "--host", "127.0.0.1", "--port", strconv.Itoa(addr.Port), "--workers", "2", "--log-level", "error", "--no-access-log", "peer:app")
	cmd.Env = append(os.Environ(), "MLP_SPEED_MODEL="+model, "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	other := &peer{process: cmd.Process.Pid}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if other.conn, err = net.Dial("tcp", addr.String()); err == nil {
			break
		}
		if time.Now().After(end) {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() { _ = other.conn.Close() })
	body := rowsBody(1)
	request := []byte("POST /v1/models/scorer/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	peers := []*peer{startPeer(b, "free"), other}
	var loads [2]load
	turn := func(turns int) {
		for range turns {
			for i, p := range peers {
				loads[i].add(p.load(b, request, 32, 2*time.Second))
			}
		}
	}
	turn(1) // both are warm now
	loads = [2]load{}
	for b.Loop() {
		turn(3)
	}
	b.ReportMetric(loads[0].rate()/loads[1].rate(), "mlp/fastapi")
	b.ReportMetric(loads[0].rate(), "mlp-requests/s")
	b.ReportMetric(loads[1].rate(), "fastapi-requests/s")
	b.ReportMetric(loads[1].slowest(0.99)/loads[0].slowest(0.99), "p99-fastapi/mlp")
}
