package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/stdlib/table"
)

// loggingModule is a pipeline with a model that takes a value of each kind, one of them personal, and a key.
const loggingModule = `pipeline "p" {}
source "csv" "s" {
  path = "s.csv"
  column "x"      { type = "double" }
  column "n"      { type = "integer" }
  column "big"    { type = "bigint" }
  column "word"   { type = "varchar" }
  column "member" { type = "boolean" }
  column "y"      { type = "boolean" }
  column "age" {
    type = "integer"
    pii  = true
  }
}
train "gradient_boosting" "m" {
  data      = source.s
  target    = "y"
  features  = ["x", "n", "big", "word", "member", "age"]
  allow_pii = ["age"]
  params { trees = TREES }
}
deploy "http" "scorer" {
  model = train.m
  key   = ["customer"]
}
`

// loggingStore is a folder in which that model is released, with so many trees.
func loggingStore(t testing.TB, trees int) string {
	t.Helper()
	dir := t.TempDir()
	rows := "x,n,big,word,member,y,age\n"
	for i := range 60 {
		rows += fmt.Sprintf("%d.5,%d,%d,%s,%t,%t,%d\n", i, i, i, []string{"a", "b"}[i%2], i%3 == 0, i > 30, 20+i)
	}
	for name, text := range map[string]string{"p.mlp": strings.Replace(loggingModule, "TREES", strconv.Itoa(trees), 1), "s.csv": rows} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// logging is a server that keeps what it answers, and how it ends is up to the test.
type logging struct {
	cmd   *exec.Cmd
	log   said
	url   string
	ended chan struct{}
}

// startLogging starts mlp serve in a folder; what it answers is kept in a folder below it, if one is named.
func startLogging(t testing.TB, dir, to string, more ...string) *logging {
	t.Helper()
	args := []string{"-C", dir, "serve", "--addr", "127.0.0.1:0", "--access-log=false"}
	if to != "" {
		args = append(append(args, "--predictions", filepath.Join(dir, to)), more...)
	}
	r := &logging{cmd: exec.Command(mlp, args...), ended: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.cmd.Wait(); close(r.ended) }()
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); <-r.ended })
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, rest, ok := strings.Cut(r.log.String(), "Serving on "); ok && strings.Contains(rest, "\n") {
			r.url, _, _ = strings.Cut(rest, "\n")
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("the server does not start: %s", &r.log)
		}
	}
}

// ask sends rows under a request's id, and says whether they were answered.
func (r *logging) ask(client *http.Client, id, rows string) (status int, body string, err error) {
	request, err := http.NewRequest(http.MethodPost, r.url+"/v1/models/scorer/predict", strings.NewReader(`{"rows":[`+rows+`]}`))
	if err != nil {
		return 0, "", err
	}
	if id != "" {
		request.Header.Set("X-Request-Id", id)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// kept are the rows of all tables of predictions, as JSON has them.
func kept(t *testing.T, dir string) (rows []map[string]any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "predictions/scorer/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Ext(file) != ".parquet" {
			t.Errorf("%s is left", file)
			continue
		}
		out := filepath.Join(t.TempDir(), "rows")
		if err := table.ToNDJSON(t.Context(), file, out); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// stop ends a server as its users do.
func (r *logging) stop(t *testing.T) {
	t.Helper()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	<-r.ended
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with %d: %s", code, &r.log)
	}
}

const plainRow = `{"x":1.5,"n":3,"big":4,"word":"a","member":true,"age":33,"customer":"c1"}`

// TestPredictionsOfKilledServers: a server that is killed under load, again and again (with MLP_SOAK=1 fifty times), has kept each row that it has answered, once.
func TestPredictionsOfKilledServers(t *testing.T) {
	dir := loggingStore(t, 2)
	chance := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	answered := map[string]bool{}
	kills, clients := 12, 8
	if os.Getenv("MLP_SOAK") != "" {
		kills, clients = 50, 32
	}
	for kill := range kills {
		r := startLogging(t, dir, "predictions")
		var all sync.WaitGroup
		for client := range clients {
			all.Go(func() {
				own := &http.Client{Transport: &http.Transport{}}
				defer own.CloseIdleConnections()
				for n := 0; ; n++ {
					id := fmt.Sprintf("%d-%d-%d", kill, client, n)
					status, body, err := r.ask(own, id, plainRow+","+plainRow)
					if err != nil {
						return // it is killed
					}
					if status != 200 {
						t.Errorf("%s: got %d %s", id, status, body)
						return
					}
					mu.Lock()
					answered[id] = true
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(100+chance.IntN(400)) * time.Millisecond)
		_ = r.cmd.Process.Kill()
		<-r.ended
		all.Wait()
	}
	startLogging(t, dir, "predictions").stop(t)
	count := map[string]int{}
	for _, row := range kept(t, dir) {
		count[fmt.Sprint(row["request_id"], " ", row["request_row"])]++
	}
	for id := range answered {
		for row := range 2 {
			if n := count[fmt.Sprint(id, " ", row)]; n != 1 {
				t.Errorf("row %d of %s was answered, and is there %d times", row, id, n)
			}
		}
	}
	for id, n := range count {
		if n != 1 {
			t.Errorf("row %s is there %d times", id, n)
		}
	}
	if len(answered) < 10*kills {
		t.Errorf("%d requests were answered before %d kills: too few to say anything", len(answered), kills)
	}
	t.Logf("%d requests answered, %d rows kept, %d kills", len(answered), len(count), kills)
}

// TestPredictionsTable: what is kept is what was asked and answered, without what is personal, and is read like any other table.
func TestPredictionsTable(t *testing.T) {
	dir := loggingStore(t, 2)
	r := startLogging(t, dir, "predictions")
	rows := strings.Join([]string{
		plainRow,
		`{"x":null,"n":null,"big":null,"word":null,"member":null,"age":null}`,
		`{"x":1e300,"n":-2147483648,"big":9223372036854775807,"word":"é\u0001\" ß\n","member":false,"age":1,"customer":17}`,
		`{"x":0.1,"n":1,"big":-9223372036854775808,"word":"","member":false,"age":1,"customer":null}`,
		`{"x":1,"n":1,"big":1,"word":"a\u0000b","member":false,"age":1,"customer":"a\u0000b"}`,
		`{"x":"none"}`,
	}, ",")
	status, body, err := r.ask(http.DefaultClient, "a", rows)
	if err != nil || status != 200 {
		t.Fatalf("got %d %s %v", status, body, err)
	}
	http.DefaultClient.CloseIdleConnections()
	r.stop(t)
	got := kept(t, dir)
	if len(got) != 6 {
		t.Fatalf("got %d rows, want 6: %v\n%s", len(got), got, &r.log)
	}
	var answer struct{ Predictions []map[string]any }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	for i, row := range got {
		if _, there := row["age"]; there {
			t.Errorf("row %d has the personal column: %v", i, row)
		}
		for _, name := range []string{"predicted", "score", "error"} {
			if row[name] != answer.Predictions[i][name] {
				t.Errorf("row %d: %s is %v, and was answered as %v", i, name, row[name], answer.Predictions[i][name])
			}
		}
	}
	for name, want := range map[string]any{"request_id": "a", "request_row": 0.0, "x": 1.5, "n": 3.0, "big": 4.0, "word": "a", "member": true, "customer": "c1"} {
		if got[0][name] != want {
			t.Errorf("%s: got %v, want %v", name, got[0][name], want)
		}
	}
	if got[2]["word"] != "é\u0001\" ß\n" || got[4]["customer"] != "a\x00b" {
		t.Errorf("text is kept as %q and %q", got[2]["word"], got[4]["customer"])
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Mkdir(loop, 0o700); err != nil {
		t.Fatal(err)
	}
	const module = "pipeline \"q\" {}\nsource \"parquet\" \"predictions\" {\n  path = \"predictions/scorer/*.parquet\"\n}\ndataset \"busy\" {\n  from = [source.predictions]\n  sql  = \"select count(*) as rows, avg(score) as score from predictions where error is null\"\n}\n"
	err = os.WriteFile(filepath.Join(loop, "q.mlp"), []byte(module), 0o600)
	if err == nil {
		err = os.CopyFS(filepath.Join(loop, "predictions"), os.DirFS(filepath.Join(dir, "predictions")))
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mlp, "-C", loop, "apply", "--auto-approve", "--executor", "process").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
