package live_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"time"
)

// The world is what the pipeline does not know: who is a thief, and what happens when.
//
//	before day 0   there is no model: all payments are let through, and fraud is known 30 days later at the latest
//	holidays       as in each year: more payments, further away, more travel; thieves go on as ever
//	bug            the gateway sends cents for euros, for some days, and then sends these anew
//	first move     of fraud: from bursts of small payments to a few large ones at night
//	second move    of fraud: far away, at any amount
//
// A payment that is blocked is never charged back. All is drawn from the seed and the day, whatever became of the days before.
type world struct {
	seed   uint64
	perDay int
	calendar
}

// calendar says on which days things happen. The days of the bug, and the one on which they are sent anew, are of one week.
type calendar struct {
	holidays, holidaysEnd int
	bug, bugEnd           int
	bolder, blind         int // days on which developers apply a model of less recall and more accuracy, and one that cannot be served
	firstMove, secondMove int
	last                  int
}

// year is the whole story; spring is its first half in fewer days.
var (
	year   = calendar{holidays: 60, holidaysEnd: 74, bug: 91, bugEnd: 94, bolder: 100, blind: 107, firstMove: 120, secondMove: 240, last: 364}
	spring = calendar{holidays: 3, holidaysEnd: 10, bug: 14, bugEnd: 16, bolder: 17, blind: 20, firstMove: 24, secondMove: 1000, last: 71}
)

const (
	firstDay = -430
	busyFrom = -90 // before it fewer payments are kept
	matures  = 30
)

// dayZero is a Monday. It is after whatever day the test runs on, since what a person applies is recorded with the time of the machine, and what the watcher does with that of the story.
var dayZero = time.Date(2100, 1, 4, 0, 0, 0, 0, time.UTC)

func dateOf(day int) time.Time { return dayZero.AddDate(0, 0, day) }

// payment is one, with what nobody knows when it is made.
type payment struct {
	id       string
	at       time.Time
	amount   float64
	hour     int
	velocity int
	distance float64
	category string
	device   float64 // days since its device was first seen; the warehouse knows it, and the gateway does not send it
	fraud    bool
	mode     int // of fraud: 0 looks honest
	back     int // of fraud: on which day it is charged back, if it is let through
}

// modeOf is how most fraud is done on a day.
func (w *world) modeOf(day int) int {
	switch {
	case day < w.firstMove:
		return 1
	case day < w.secondMove:
		return 2
	}
	return 3
}

// phase is where in a year of 52 weeks a day lies.
func phase(day int) int { return ((day % 364) + 364) % 364 }

// day are the payments of a day, in their order.
func (w *world) day(d int) []payment {
	chance := rand.New(rand.NewPCG(w.seed, uint64(d-firstDay)))
	n := float64(w.perDay)
	if d < busyFrom {
		n /= 5
	}
	if weekday := dateOf(d).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		n *= 1.3
	}
	away := phase(d) >= w.holidays && phase(d) < w.holidaysEnd
	if away {
		n *= 1.4
	}
	out := make([]payment, int(n*(0.9+0.2*chance.Float64())))
	poisson := func(mean float64) (k int) {
		for limit, p := math.Exp(-mean), chance.Float64(); p > limit; k++ {
			p *= chance.Float64()
		}
		return k
	}
	among := func(names ...string) string { return names[chance.IntN(len(names))] }
	for i := range out {
		p := &out[i]
		p.amount = math.Exp(3.3 + float64(0.8*chance.NormFloat64()))
		p.hour = min(max(int(14+float64(4*chance.NormFloat64())), 0), 23)
		p.velocity = poisson(0.6)
		p.distance = math.Exp(1.5 + chance.NormFloat64())
		p.device = math.Exp(5 + chance.NormFloat64())
		p.category = among("food", "food", "food", "food", "fuel", "fuel", "clothes", "clothes", "travel", "electronics")
		if away && chance.Float64() < 0.4 {
			p.category, p.distance = "travel", p.distance*4
		}
		if p.fraud = chance.Float64() < 0.04; p.fraud {
			p.back = d + 5 + chance.IntN(25)
			if p.mode = w.modeOf(d); chance.Float64() < 0.1 {
				p.mode = 0
			}
			p.device = math.Exp(1 + chance.NormFloat64())
			careful := chance.Float64() < 0.2 // who looks more like anybody
			switch p.mode {
			case 1:
				if p.velocity, p.amount = 4+poisson(3), math.Exp(2+float64(0.5*chance.NormFloat64())); careful {
					p.velocity = 2 + chance.IntN(2)
				}
			case 2:
				if p.amount, p.hour = math.Exp(5.8+float64(0.4*chance.NormFloat64())), chance.IntN(5); careful {
					p.amount /= 4
				}
			case 3:
				if p.distance, p.category = math.Exp(6.2+float64(0.5*chance.NormFloat64())), among("travel", "electronics"); careful {
					p.distance /= 12
				}
			}
		}
		p.at = dateOf(d).Add(time.Duration(p.hour)*time.Hour + time.Duration(chance.IntN(3600))*time.Second)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].at.Before(out[j].at) })
	for i := range out {
		out[i].id = fmt.Sprintf("d%04d-%04d", d-firstDay, i)
		out[i].amount = math.Round(out[i].amount*100) / 100
		out[i].distance = math.Round(out[i].distance*10) / 10
	}
	return out
}

// sent is what the gateway sends of a payment; for some days it takes cents for euros.
func (p *payment) sent(broken bool) payment {
	s := *p
	if broken {
		s.amount *= 100
	}
	return s
}

const stamp = "2006-01-02 15:04:05"

// paymentsFile is the file of some days' payments.
func paymentsFile(days [][]payment) []byte {
	var b strings.Builder
	b.WriteString("payment_id,paid_at,amount,hour,velocity,distance,category,device\n")
	for _, day := range days {
		for _, p := range day {
			fmt.Fprintf(&b, "%s,%s,%.2f,%d,%d,%.1f,%s,%.1f\n", p.id, p.at.Format(stamp), p.amount, p.hour, p.velocity, p.distance, p.category, p.device)
		}
	}
	return []byte(b.String())
}

// request asks about a day's payments.
func request(payments []payment) []byte {
	var b strings.Builder
	b.WriteString(`{"rows":[`)
	for i, p := range payments {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"payment_id":%q,"amount":%.2f,"hour":%d,"velocity":%d,"distance":%.1f,"category":%q}`, p.id, p.amount, p.hour, p.velocity, p.distance, p.category)
	}
	b.WriteString("]}")
	return []byte(b.String())
}
