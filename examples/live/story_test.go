package live_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// story is a year of a deployment: what the world does, and what mlp does about it.
type story struct {
	*pipeline
	world
	serving *exec.Cmd
	url     string
	back    map[int][]string // payments that are charged back, by day
	days    []dayOf
	pages   []page // that were sent to who is on call, under mu
	mu      sync.Mutex
	today   int
}

// dayOf is the truth about a day.
type dayOf struct {
	payments, fraud, caught, blocked int // caught: fraud that the model saw, whether blocked or let through by chance
}

// page is a notification.
type page struct {
	day  int
	what string
	text string
}

// begin has the year before, and the first model.
func begin(t *testing.T, seed uint64, perDay int, c calendar) *story {
	t.Helper()
	s := &story{pipeline: newPipeline(t, "live.mlp"), world: world{seed: seed, perDay: perDay, calendar: c}, back: map[int][]string{}}
	t.Setenv("PAGE_KEY", "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ Event, Type, Title string }
		_ = json.Unmarshal(body, &e)
		s.mu.Lock()
		s.pages = append(s.pages, page{s.today, e.Event + e.Type, string(body)})
		s.mu.Unlock()
	}))
	t.Cleanup(hook.Close)
	s.write("default.mlpvars", fmt.Appendf(nil, "page = %q\n", hook.URL+"/page"))
	var month [][]payment
	for d := firstDay; d < 0; d++ {
		payments := s.day(d)
		for _, p := range payments {
			if p.fraud {
				s.back[p.back] = append(s.back[p.back], p.id)
			}
		}
		if month = append(month, payments); len(month) == 30 || d == -1 {
			s.write("data/payments/"+dateOf(d).Format("2006-01-02")+".csv", paymentsFile(month))
			month = nil
		}
	}
	s.chargebacks(firstDay, -1)
	return s
}

// chargebacks writes those that come on some days.
func (s *story) chargebacks(from, to int) {
	var b bytes.Buffer
	b.WriteString("payment_id,chargeback_at\n")
	for d := from; d <= to; d++ {
		for i, id := range s.back[d] {
			fmt.Fprintf(&b, "%s,%s\n", id, dateOf(d).Add(time.Duration(i)*time.Minute).Format(stamp))
		}
	}
	s.write("data/chargebacks/"+dateOf(from).Format("2006-01-02")+".csv", b.Bytes())
}

var address = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// serve starts the server.
func (s *story) serve() {
	s.t.Helper()
	cmd := s.command("serve", "--addr", "127.0.0.1:0", "--predictions", s.dir+"/log", "--predictions-to-store", "--access-log=false")
	reads, writes, err := os.Pipe()
	if err == nil {
		cmd.Stdout, cmd.Stderr = writes, writes
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	writes.Close()
	lines := bufio.NewScanner(reads)
	said := ""
	for s.url = ""; s.url == "" && lines.Scan(); {
		said += lines.Text() + "\n"
		if at := address.FindString(lines.Text()); at != "" {
			s.url = "http://" + at
		}
	}
	if s.url == "" {
		s.t.Fatalf("the server says:\n%s", said)
	}
	go func() {
		defer reads.Close()
		for lines.Scan() {
		}
	}()
	s.serving = cmd
	for range 200 {
		if r, err := http.Get(s.url + "/v2/health/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == 200 {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatal("the server is not ready")
}

// stop stops the server, which keeps all that it has counted and answered.
func (s *story) stop() {
	s.t.Helper()
	if s.serving == nil {
		return
	}
	_ = s.serving.Process.Signal(os.Interrupt)
	if err := s.serving.Wait(); err != nil {
		s.t.Logf("the server: %v", err)
	}
	s.serving = nil
}

// ask asks about payments, and notes what becomes of them.
func (s *story) ask(payments []payment, broken bool) {
	s.t.Helper()
	sent := slices.Clone(payments)
	for i := range sent {
		sent[i] = payments[i].sent(broken)
	}
	r, err := http.Post(s.url+"/v1/models/scorer/predict", "application/json", bytes.NewReader(request(sent)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	var got struct {
		Predictions []struct {
			Predicted      string
			ModelPredicted string `json:"model_predicted"`
			Propensity     float64
		}
	}
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err != nil || r.StatusCode != 200 || len(got.Predictions) != len(payments) {
		s.t.Fatalf("%d rows: %s %v %.300s", len(payments), r.Status, err, body)
	}
	var d dayOf
	for i, p := range payments {
		d.payments++
		blocked := got.Predictions[i].Predicted == "true"
		if blocked {
			d.blocked++
		}
		if !p.fraud {
			continue
		}
		d.fraud++
		if got.Predictions[i].ModelPredicted == "true" {
			d.caught++
		}
		if !blocked {
			s.back[p.back] = append(s.back[p.back], p.id)
		}
	}
	s.days = append(s.days, d)
}

// round is a round of the watcher in the morning after a day.
func (s *story) round(day int) (text string, exit int) {
	s.t.Helper()
	return s.run("watch", "--once", "--executor", "process", "--threads", "1", "--at", dateOf(day+1).Add(7*time.Hour).Format(time.RFC3339))
}

// happened is what the watcher did, by day.
type happened struct {
	retrained []int // by the watcher
	alarms    []int // of drift
	takenAway int   // the day on which the blind canary was; 0: it was not
	lines     []string
}

// TestStory lives through the story of the readme, with one seed in fewer days; with MLP_SOAK through a year with twenty.
func TestStory(t *testing.T) {
	seeds, c := uint64(1), spring
	if os.Getenv("MLP_SOAK") != "" {
		seeds, c = 20, year
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			s := begin(t, seed+1, 600, c)
			defer s.stop()
			s.apply()
			s.live()
		})
	}
}

// live is day after day: payments are asked about, chargebacks come, the watcher makes its rounds, and at last all is held to the truth.
func (s *story) live() {
	t := s.t
	var h happened
	moving := false // a canary is on its way, and somebody looks each day
	for d := 0; d <= s.last; d++ {
		s.today = d
		broken := d >= s.bug && d < s.bugEnd
		if s.serving == nil {
			s.serve()
		}
		s.ask(s.day(d), broken)
		s.write("data/payments/"+s.weekOf(d)+".csv", paymentsFile(s.weekUntil(d)))
		s.chargebacks(d-d%7, d)
		switch d {
		case s.bug:
			s.bugDay()
		case s.bolder:
			s.bolderDay()
			moving = true
		case s.blind:
			s.stop()
			if text, exit := s.edit(`"category"]`, `"category", "device"]`); exit != 0 || !strings.Contains(text, "callers must send something else") {
				t.Fatalf("day %d: exit %d\n%s", d, exit, text)
			}
			moving = true
		}
		mature := d > s.firstMove+matures
		if moving || d%7 == 6 || mature && d%2 == 1 {
			s.stop()
			text, exit := s.round(d)
			if exit != 0 && !broken {
				t.Errorf("day %d: exit %d\n%s", d, exit, text)
			}
			moving = strings.Contains(text, "stays a canary") || strings.Contains(text, "a candidate is on its way")
			s.note(&h, d, text)
			if d > s.blind && h.takenAway == 0 && strings.Contains(text, "is taken away and held") {
				h.takenAway = d
				h.lines = append(h.lines, fmt.Sprintf("day %d: the blind model is taken away", d))
				if text, exit := s.edit(`"category", "device"]`, `"category"]`); exit != 0 {
					t.Fatalf("day %d: exit %d\n%s", d, exit, text)
				}
				moving = true
			}
		}
	}
	s.held(&h)
}

// weekOf names the file of a day's week, and weekUntil are its payments so far, as the gateway has sent them by then.
func (s *story) weekOf(d int) string { return dateOf(d - d%7).Format("2006-01-02") }

func (s *story) weekUntil(d int) (days [][]payment) {
	for of := d - d%7; of <= d; of++ {
		payments := s.day(of)
		for i := range payments {
			payments[i] = payments[i].sent(of >= s.bug && of < s.bugEnd && d < s.bugEnd)
		}
		days = append(days, payments)
	}
	return days
}

// bugDay: cents for euros are found by the check, somebody is paged, and nothing is trained, whoever asks.
func (s *story) bugDay() {
	s.stop()
	was := s.output("train.model", "model")
	text, exit := s.run("apply", "--auto-approve", "--executor", "process", "--threads", "1")
	if exit != 3 || !strings.Contains(text, "amount") || s.output("train.model", "model") != was {
		s.t.Errorf("cents for euros: exit %d\n%s", exit, text)
	}
	if text, _ = s.round(s.today); strings.Contains(text, "trained again") {
		s.t.Errorf("cents for euros: %s", text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.pages, func(p page) bool { return p.day == s.today && strings.Contains(p.what, "check_failed") }) {
		s.t.Errorf("nobody was paged of cents for euros: %v", s.pages)
	}
}

// bolderDay: a model is more often right, and sees less fraud; the gate does not let it pass.
func (s *story) bolderDay() {
	s.stop()
	const careful, bolder = "maximize = metric.recall\n    where    = \"fpr <= 0.015\"", "maximize = metric.accuracy"
	var before, after struct{ Metrics map[string]float64 }
	s.figures("evaluate.holdout", &before)
	text, exit := s.edit(careful, bolder)
	s.figures("evaluate.holdout", &after)
	if exit != 3 || after.Metrics["accuracy"] <= before.Metrics["accuracy"] || after.Metrics["recall"] >= before.Metrics["recall"] ||
		!strings.Contains(text, "catches as much as what is live") {
		s.t.Errorf("accuracy %.4f → %.4f, recall %.4f → %.4f: exit %d\n%s", before.Metrics["accuracy"], after.Metrics["accuracy"], before.Metrics["recall"], after.Metrics["recall"], exit, text)
	}
	s.t.Logf("day %d: accuracy %.4f → %.4f, recall %.4f → %.4f, and the gate does not let it pass", s.today, before.Metrics["accuracy"], after.Metrics["accuracy"], before.Metrics["recall"], after.Metrics["recall"])
	if text, exit := s.edit(bolder, careful); exit != 0 {
		s.t.Fatalf("day %d: exit %d\n%s", s.today, exit, text)
	}
}

// edit changes the module as a developer does, applies it, and says what came of it.
func (s *story) edit(from, to string) (text string, exit int) {
	s.t.Helper()
	module, err := os.ReadFile(s.dir + "/live.mlp")
	if err != nil || !bytes.Contains(module, []byte(from)) {
		s.t.Fatalf("%v: the module has no %q", err, from)
	}
	s.write("live.mlp", bytes.Replace(module, []byte(from), []byte(to), 1))
	return s.run("apply", "--auto-approve", "--executor", "process", "--threads", "1")
}

// note notes what a round did.
func (s *story) note(h *happened, d int, text string) {
	if strings.Contains(text, "retrain.scorer: trained again") {
		h.retrained = append(h.retrained, d)
		h.lines = append(h.lines, fmt.Sprintf("day %d: trained again", d))
	}
	if strings.Contains(text, "is live") && strings.Contains(text, "promote_when holds") {
		h.lines = append(h.lines, fmt.Sprintf("day %d: a canary is live", d))
	}
	if strings.Contains(text, "monitor.incoming: looked at") {
		var f struct{ Drift struct{ Alarm *bool } }
		s.figures("monitor.incoming", &f)
		if f.Drift.Alarm != nil && *f.Drift.Alarm {
			h.alarms = append(h.alarms, d)
			h.lines = append(h.lines, fmt.Sprintf("day %d: drift alarms", d))
		}
	}
}

// recall is the share of fraud that the model saw in some days.
func (s *story) recall(from, to int) float64 {
	fraud, caught := 0, 0
	for _, d := range s.days[max(from, 0):min(to, len(s.days))] {
		fraud, caught = fraud+d.fraud, caught+d.caught
	}
	return float64(caught) / float64(max(fraud, 1))
}

// held holds what happened to the truth.
func (s *story) held(h *happened) {
	t := s.t
	t.Log(strings.Join(h.lines, "\n"))
	if h.takenAway == 0 || h.takenAway > s.blind+5 {
		t.Errorf("the model that cannot be served came on day %d, and was taken away on day %d", s.blind, h.takenAway)
	}
	for _, d := range h.alarms {
		if d < s.firstMove {
			t.Errorf("an alarm of drift on day %d, when nothing but a season had moved", d)
		}
	}
	for i, move := range []int{s.firstMove, s.secondMove} {
		if move+matures+15 > s.last {
			continue
		}
		// Labels allow it from the day on when more fraud than is borne was surely missed in the mature week: a normal interval of its count.
		allowed := move + matures + 1
		for ; allowed < s.last; allowed++ {
			missed, all := 0.0, 0.0
			for _, d := range s.days[max(allowed-37, 0) : allowed-29] {
				missed, all = missed+float64(d.fraud-d.caught), all+float64(d.payments)
			}
			if p := missed / all; p-1.96*math.Sqrt(p/all) > 0.02 {
				break
			}
		}
		recovered := move + 1
		for recovered < s.last-3 && s.recall(recovered, recovered+4) < 0.65 {
			recovered++
		}
		of := 0
		for _, d := range h.retrained {
			if d >= move && d < move+100 {
				of++
			}
		}
		t.Logf("fraud moved on day %d: recall %.2f before, %.2f after; labels allow learning it from day %d on; recall is %.2f again from day %d on; trained again %d times",
			move, s.recall(move-14, move), s.recall(move, move+matures), allowed, s.recall(recovered, recovered+7), recovered, of)
		if recovered > allowed+5 || of != 1 {
			t.Errorf("move %d: recovered on day %d, by labels of day %d, with %d retrainings", i+1, recovered, allowed, of)
		}
	}
	for _, d := range h.retrained {
		if d < s.firstMove+matures {
			t.Errorf("a needless retraining on day %d", d)
		}
	}
	s.rejected()
}

// rejected holds what the control share says of the recall among all, the rejected too, to the truth.
func (s *story) rejected() {
	var f struct {
		Rejected struct {
			Count, Explored float64
			Recall          struct{ Value, Low, High *float64 }
		}
	}
	s.figures("monitor.quarter", &f)
	fraud, blocked := 0, 0
	for _, d := range s.days[max(0, s.last-120):max(0, s.last-29)] {
		fraud, blocked = fraud+d.fraud, blocked+d.caught
	}
	r, truth := f.Rejected.Recall, float64(blocked)/float64(fraud)
	if r.Value == nil || r.Low == nil || r.High == nil {
		s.t.Error("nothing is known of the rejected")
		return
	}
	s.t.Logf("of %.0f rejected %.0f were let through by chance: recall %.3f (%.3f to %.3f), in truth %.3f", f.Rejected.Count, f.Rejected.Explored, *r.Value, *r.Low, *r.High, truth)
	if truth < *r.Low-0.01 || truth > *r.High+0.01 {
		s.t.Errorf("the truth is outside of the interval")
	}
	if f.Rejected.Count > 1800 && math.Abs(*r.Value-truth) > 0.05 {
		s.t.Errorf("recall among the rejected is off by %.3f", *r.Value-truth)
	}
}
