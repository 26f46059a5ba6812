package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The stream's format. A minor version adds types of events and fields, which older readers pass over; another major version is
// refused by them.
const (
	streamFormat  = "mlp.events"
	streamVersion = "1.1"
)

// Entry is an event with its place in the stream of a run.
type Entry struct {
	Seq   int64 // from 1, without gaps
	At    time.Time
	Event Event // nil: of a type that only a later version knows
	Type  string
	Line  []byte // as it is written, without its end
}

// line is how an entry is written, as JSON on a line. The type goes first, so that readers can pass over lines unread.
type line struct {
	Type string          `json:"type"`
	Seq  int64           `json:"seq"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// encode writes an entry as a line, with its end.
func encode(e Entry) ([]byte, error) {
	data, err := json.Marshal(e.Event)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(line{Type: e.Event.kind(), Seq: e.Seq, At: e.At, Data: data})
	return append(text, '\n'), err
}

// decoder has how each type of event is read.
type decoder map[string]func([]byte) (Event, error)

// read reads a line.
func (d decoder) read(text []byte) (Entry, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Entry{}, err
	}
	if l.Type == "" || l.Seq < 1 {
		return Entry{}, fmt.Errorf("no event: %.40q", text)
	}
	e := Entry{Seq: l.Seq, At: l.At, Type: l.Type, Line: bytes.TrimSuffix(text, []byte("\n"))}
	var err error
	if read, ok := d[l.Type]; ok {
		e.Event, err = read(l.Data)
	}
	if started, ok := e.Event.(RunStarted); ok && err == nil {
		err = readable(started)
	}
	return e, err
}

// VersionError: a journal was written by a later mlp, in a way that this one cannot read.
type VersionError struct{ Apply, Format, Version string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the journal of apply %s is in format %s %s, and this mlp reads %s %s: read it with the mlp that wrote it", e.Apply, e.Format, e.Version, streamFormat, streamVersion)
}

// readable refuses a journal of another major version (spec/events.md): of a later minor one the events that are not known
// here are passed over.
func readable(s RunStarted) error {
	major, _, _ := strings.Cut(s.FormatVersion, ".")
	ours, _, _ := strings.Cut(streamVersion, ".")
	if s.Format != streamFormat || major != ours {
		return &VersionError{Apply: s.Apply, Format: s.Format, Version: s.FormatVersion}
	}
	return nil
}

// newDecoder has every event that a journal holds. An event that is missing here is read as one of a later version; a test
// compares the list with spec/events.md.
func newDecoder() decoder {
	all := decoder{}
	reads[RunStarted](all)
	reads[StageStarted](all)
	reads[StageProgress](all)
	reads[StageLog](all)
	reads[StageTransfer](all)
	reads[StoreWaits](all)
	reads[StageWarning](all)
	reads[StageRetried](all)
	reads[StageStored](all)
	reads[StageDone](all)
	reads[StageFailed](all)
	reads[RebuildFailed](all)
	reads[UnitBlocked](all)
	reads[CheckDecided](all)
	reads[GateDecided](all)
	reads[HypothesisTested](all)
	reads[ReleaseDecided](all)
	reads[NodeRemoved](all)
	reads[Moved](all)
	reads[StateRecorded](all)
	reads[Stopping](all)
	reads[LinesLeftOut](all)
	reads[RunEnded](all)
	return all
}

// reads enters one type of events under the name that it is written with.
func reads[T Event](all decoder) {
	var zero T
	all[zero.kind()] = func(data []byte) (Event, error) {
		var e T
		err := json.Unmarshal(data, &e)
		return e, err
	}
}
