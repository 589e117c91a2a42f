package dashboard

import (
	"time"

	"github.com/steadgo/stead/channelq"
)

// State is everything the pages show, at one moment. [Dashboard.State] returns it and
// api/v1/state writes it as JSON. The JSON Schema at api/v1/schema.json describes the
// fields of the JSON, and which may be absent. Within v1 fields are only added. Times
// that are zero and texts that are empty are left out. Durations are in seconds.
type State struct {
	Version   int        `json:"version"` // of this format: 1
	Time      time.Time  `json:"time"`
	Host      string     `json:"host"`
	Phase     Phase      `json:"phase"`
	Verdict   Severity   `json:"verdict"`  // the worst of Problems; from the stop on, how the stop goes
	Headline  string     `json:"headline"` // one sentence for people
	Problems  []Problem  `json:"problems"` // worst first
	Slowest   []Slow     `json:"slowest"`  // slowest first
	Services  []Service  `json:"services"` // in the order of the start
	Queues    []Queue    `json:"queues"`
	Schedules []Schedule `json:"schedules"`
	Instances []Instance `json:"instances,omitempty"` // the processes that share a store, this one among them
	Stop      *Stop      `json:"stop,omitempty"`      // nil if no stop was requested
	LastStop  *Stop      `json:"last_stop,omitempty"` // of the run before this one, see Config.LastStop
	Next      string     `json:"next,omitempty"`      // only in a part of the JSON: what ?after= has to be for the next one

	named map[string]int       // where in Services a name is
	worst map[subject]Severity // of the Problems of each thing
}

// Phase is the phase of a host.
type Phase string

// The phases of a host.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Stopping Phase = "stopping"
	Stopped  Phase = "stopped"
)

// Severity is how bad something is.
type Severity string

// The severities, from the best to the worst.
const (
	OK      Severity = "ok"
	Notice  Severity = "notice"  // a person wanted it so, such as a pause
	Warning Severity = "warning" // it may pass by itself
	Failed  Severity = "failed"  // it will not pass by itself, or something was lost
)

func (s Severity) rank() int {
	switch s {
	case Failed:
		return 3
	case Warning:
		return 2
	case Notice:
		return 1
	default:
		return 0
	}
}

// Kind is the kind of thing a [Problem], a [Slow] or an [Action] is about.
type Kind string

// The kinds.
const (
	KindService  Kind = "service"
	KindQueue    Kind = "queue"
	KindSchedule Kind = "schedule"
)

// Problem is one thing that needs, or may need, attention.
type Problem struct {
	Severity Severity  `json:"severity"`
	Kind     Kind      `json:"kind"`
	Name     string    `json:"name"`
	What     string    `json:"what"`             // one sentence
	Why      string    `json:"why,omitempty"`    // the error
	Since    time.Time `json:"since,omitzero"`   // when it began or last happened
	Next     string    `json:"next,omitempty"`   // what happens by itself, such as "started again"
	NextAt   time.Time `json:"next_at,omitzero"` // and when

	Acknowledged   time.Time `json:"acknowledged,omitzero"` // when a person did, after Since
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`

	place  int  // among the problems of the same thing
	gaveUp bool // it is of items that were given up
}

// Slow is one of the components that take the most time.
type Slow struct {
	Kind    Kind    `json:"kind"`
	Name    string  `json:"name"`
	What    string  `json:"what"` // what takes it
	Seconds float64 `json:"seconds"`
}

// Queue is one queue, in memory or in a store, with all its consumers. The fields Depth,
// Parked, OldestDue, States, Retrying, Failures, Paused and History (except its rates)
// of a queue in a store are of all processes that use the store. All others are of this
// process.
type Queue struct {
	Name     string   `json:"name"`
	Services []string `json:"services"` // that use it
	Mode     string   `json:"mode"`     // what happens when it is full
	Paused   bool     `json:"paused"`
	CanPause bool     `json:"can_pause"`

	Capacity   int       `json:"capacity"`
	Depth      int       `json:"depth"`
	HighWater  int       `json:"high_water"`
	InProgress int       `json:"in_progress"`
	Parked     int       `json:"parked"`
	Workers    int       `json:"workers"`
	OldestDue  time.Time `json:"oldest_due,omitzero"`

	Accepted    uint64  `json:"accepted"`
	Handled     uint64  `json:"handled"`
	TakenByHand uint64  `json:"taken_by_hand"`
	GaveUp      uint64  `json:"gave_up"`
	Skipped     uint64  `json:"skipped"`   // not wanted any more when their turn came
	Coalesced   uint64  `json:"coalesced"` // not added, as one of their key waited
	Leftover    uint64  `json:"leftover"`
	Retried     uint64  `json:"retried"`
	Panics      uint64  `json:"panics"`
	Dropped     Dropped `json:"dropped"`
	Refused     Refused `json:"refused"`

	Rates    *Rates         `json:"rates,omitempty"` // nil until there are two samples
	Wait     Latency        `json:"wait"`            // from enqueue to take, a sample
	Handle   Latency        `json:"handle"`          // of one attempt, a sample
	States   map[string]int `json:"states,omitempty"`
	Counted  time.Time      `json:"counted,omitzero"`    // when the store was asked for the numbers of all processes; zero if never, or if it is no store
	Guessed  []string       `json:"estimates,omitempty"` // the States whose number is an estimate
	Listed   time.Time      `json:"listed,omitzero"`     // when the store was asked for Retrying and Failures; zero if never, or if it is no store
	CanList  bool           `json:"can_list"`            // jobs can be listed by state
	Retrying []Retry        `json:"retrying"`            // soonest first, at most 100
	Failures []Failure      `json:"failures"`            // newest first
	History  []Point        `json:"history,omitempty"`

	counts    sample
	consumers []string  // services whose workers or batcher it has
	idleSince time.Time // nothing has ended since, although something is in progress; zero if not
	trouble   badge     // what is wrong with its flow; no word if nothing is
	unknown   bool      // the store was never counted
	unlisted  bool      // the store never listed Retrying and Failures
	deserted  int       // jobs that a process holds which is gone
	freed     time.Time // and when the first of them is taken from it
}

// Dropped counts accepted items that were dropped to make room.
type Dropped struct {
	Oldest uint64 `json:"oldest"`
	Newest uint64 `json:"newest"`
}

// Refused counts items that were never accepted.
type Refused struct {
	Full      uint64 `json:"full"`
	Write     uint64 `json:"write"`
	Closed    uint64 `json:"closed"`
	Cancelled uint64 `json:"cancelled"`
}

// Rates are changes per second over the last samples.
type Rates struct {
	In     float64 `json:"in"`     // accepted
	Out    float64 `json:"out"`    // handled, or taken by hand
	Failed float64 `json:"failed"` // given up
	Lost   float64 `json:"lost"`   // dropped or refused for want of room
}

// Latency is a distribution in four numbers. The quantiles are upper bounds: half, or
// 95 %, took no longer.
type Latency struct {
	Samples     uint64  `json:"samples"`
	MeanSeconds float64 `json:"mean_seconds"`
	P50Seconds  float64 `json:"p50_seconds"`
	P95Seconds  float64 `json:"p95_seconds"`
}

// Retry is an item that waits for its retry.
type Retry struct {
	Service  string    `json:"service"`
	ID       int64     `json:"id"` // within the service; 0 if it has none
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"` // so far
	Due      time.Time `json:"due"`
	Item     string    `json:"item,omitempty"` // only with Config.FormatItem, or Describe of its workers
	CanAct   bool      `json:"can_act"`        // retry now and give up

	detailed bool // see Detailed
	enqueued time.Time
	tries    []channelq.AttemptFailure
	err      error
}

// Failure is an item that was given up.
type Failure struct {
	Service  string    `json:"service"`
	ID       int64     `json:"id"` // within the service
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	Time     time.Time `json:"time"`
	Item     string    `json:"item,omitempty"`     // only with Config.FormatItem, or Describe of its workers
	CanAct   bool      `json:"can_act"`            // requeue and discard
	Expected bool      `json:"expected,omitempty"` // its error was marked by lifecycle.Expected

	stored   bool // in a store, where a discard is permanent
	detailed bool // see Detailed
	enqueued time.Time
	tries    []channelq.AttemptFailure
	err      error
}
