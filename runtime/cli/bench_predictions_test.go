package cli

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPredictions compares what a server answers a second with a log of predictions with what it answers without: kept/free 0.9 is a log
// that costs a tenth. 32 clients send to one server and then to the other, half a second each, in turns.
func BenchmarkPredictions(b *testing.B) {
	dir := loggingStore(b, 300)
	free, kept := startLogging(b, dir, ""), startLogging(b, dir, "predictions")
	for _, rows := range []int{1, 20} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			body := strings.TrimSuffix(strings.Repeat(plainRow+",", rows), ",")
			answered := func(r *logging) float64 {
				var all sync.WaitGroup
				var n atomic.Int64
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
				defer client.CloseIdleConnections()
				end := time.Now().Add(500 * time.Millisecond)
				for range 32 {
					all.Go(func() {
						for time.Now().Before(end) {
							if status, body, err := r.ask(client, "", body); err != nil || status != http.StatusOK {
								b.Errorf("got %d %s %v", status, body, err)
								return
							}
							n.Add(1)
						}
					})
				}
				all.Wait()
				return float64(n.Load())
			}
			var sum [2]float64
			for b.Loop() {
				for range 6 {
					for i, r := range []*logging{free, kept} {
						sum[i] += answered(r)
					}
				}
			}
			b.ReportMetric(sum[0]/3/float64(b.N), "free-requests/s")
			b.ReportMetric(sum[1]/sum[0], "kept/free")
		})
	}
}
