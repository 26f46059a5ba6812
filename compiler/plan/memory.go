package plan

import "time"

// What a stage asks a cluster for that has no memory_mb, in MiB: a fifth more than what it had when it last ran, and so much more at least as programs
// differ from run to run; else, and at the most, so much.
const (
	FirstMemoryMB = 2048
	MostMemoryMB  = 16384
	leastMoreMB   = 256
	memoryStepMB  = 64
)

// Used is what a stage had of memory when it last ran.
type Used struct {
	Memory int64     `json:"memory"` // the peak, in bytes
	At     time.Time `json:"at"`
}

// Asked is what a stage asks a cluster for, and to how much that may be raised, in MiB: what its block says, or what is learnt.
func (p *Plan) Asked(n *Node) (mb, most int64) {
	if n.MemoryMB > 0 {
		return n.MemoryMB, max(n.MemoryMB, n.MaxMemoryMB)
	}
	if most = n.MaxMemoryMB; most == 0 {
		most = MostMemoryMB
	}
	mb = FirstMemoryMB
	if p.Envelope != nil && p.Envelope.Used[n.Address].Memory > 0 {
		used := (p.Envelope.Used[n.Address].Memory + 1<<20 - 1) >> 20
		mb = max(used+used/5, used+leastMoreMB)
		mb = (mb + memoryStepMB - 1) / memoryStepMB * memoryStepMB
		if n.MaxMemoryMB == 0 {
			most = max(most, mb) // it has had so much
		}
	}
	return min(mb, most), most
}

// Sized is the stage with the limits that a cluster is asked for.
func (p *Plan) Sized(n *Node) *Node {
	same := *n
	same.MemoryMB, same.MaxMemoryMB = p.Asked(n)
	return &same
}

// MoreMemory is the limit of a stage that needed more than one, up to most; 0: there is none.
func MoreMemory(mb, most int64) int64 {
	if mb <= 0 || mb >= most {
		return 0
	}
	return min(2*mb, most)
}
