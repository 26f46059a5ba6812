package plan

import "time"

// WatchState is what mlp watch has done about a block: a monitor with a schedule, or a retraining.
type WatchState struct {
	// Since is when the block was first seen: its schedule counts from then.
	Since time.Time `json:"since,omitzero"`
	// Slot is the last time of the schedule that was seen to.
	Slot time.Time `json:"slot,omitzero"`
	// Missed is how many times before that were passed over, since nobody watched.
	Missed int `json:"missed,omitempty"`
	// Looked is what came of the last look of a monitor; of one that succeeded it is its result.
	Looked *MonitorLook `json:"looked,omitempty"`
	// Asked are the results, by address, whose figures caused the last retraining.
	Asked map[string]Digest `json:"asked,omitempty"`
	// Held says why a retraining that is due is not begun; nil: none is due.
	Held *Hold `json:"held,omitempty"`
	// Retrainings, the oldest first: those that limits count, and the last one.
	Retrainings []Retraining `json:"retrainings,omitempty"`
}

// MonitorLook is a look of a monitor on its schedule.
type MonitorLook struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Failure string    `json:"failure,omitempty"`
}

// Hold is why a retraining waits.
type Hold struct {
	At  time.Time `json:"at"` // since when it is this
	By  string    `json:"by"`
	Why []string  `json:"why"`
}

// RetrainOutcome is what became of a retraining.
type RetrainOutcome string

const (
	RetrainBegun    RetrainOutcome = "begun" // it runs, or whoever ran it was killed
	RetrainReleased RetrainOutcome = "released"
	RetrainRollout  RetrainOutcome = "rollout" // a candidate is beside what is live
	RetrainWaits    RetrainOutcome = "waits"   // for an approval
	RetrainRefused  RetrainOutcome = "refused" // the gate does not let it pass
	RetrainFailed   RetrainOutcome = "failed"  // a stage did
	RetrainSame     RetrainOutcome = "same"    // the data were others, and the model came out as the one that is live
	RetrainNothing  RetrainOutcome = "nothing" // data are as they were: nothing ran
)

// Retraining is one that was begun.
type Retraining struct {
	At      time.Time      `json:"at"`
	By      string         `json:"by"`
	Why     []string       `json:"why"`
	Figures []FigureSeen   `json:"figures,omitempty"` // that its condition read
	Apply   string         `json:"apply,omitempty"`
	Outcome RetrainOutcome `json:"outcome"`
	Reasons []string       `json:"reasons,omitempty"` // for the outcome
	// TookMS is how long its stages ran, all together.
	TookMS int64 `json:"took_ms,omitempty"`
}
