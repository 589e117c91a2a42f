// Package store is what durable asks of a store. The types that programs see embed a
// [Handle], so that nobody else can make one.
package store

import (
	"context"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/lifecycle"
)

// Store is the part that does not depend on the type of the store's transactions.
type Store interface {
	// Schema returns the schema of the database that has the tables, empty for that of the
	// connection, or an error if the store cannot be used as it was asked for.
	Schema() (string, error)

	// Check returns nil if the store answers and is the store that was opened. The error
	// wraps durable.ErrDamaged if it is another one.
	Check(ctx context.Context) error

	// Counts counts the jobs by queue and state, within milliseconds however many have
	// ended: of many completed jobs it may estimate the number.
	Counts(ctx context.Context) ([]Count, error)

	// Due returns for each of the queues that has jobs in the state available when the first
	// of them is due, and the time of the store's clock.
	Due(ctx context.Context, queues []string) (list []Due, now time.Time, err error)

	// Places returns the positions of the schedules and the time of the store's clock.
	Places(ctx context.Context) (all []Place, now time.Time, err error)

	// Rules returns the schedules that were put into the store, by name.
	Rules(ctx context.Context) ([]Rule, error)

	// PutRule adds a rule, or replaces the one of its name, but for Paused.
	PutRule(ctx context.Context, r Rule) error

	// PauseRule sets Paused of a rule, and takes back the promise of its next slot. It
	// returns the queue of the rule, empty if there is none.
	PauseRule(ctx context.Context, name string, paused bool) (queue string, err error)

	// DeleteRule removes a rule and its position. It returns the queue of the rule, empty
	// if there is none.
	DeleteRule(ctx context.Context, name string) (queue string, err error)

	// Prepare creates the tables that durable keeps beside River's. It is part of Migrate
	// and does nothing the second time.
	Prepare(ctx context.Context) error

	// Announce writes down that the process lives, by the store's clock, and how old its
	// attempts have to be to count as lost after it was last seen.
	Announce(ctx context.Context, i lifecycle.Instance, horizon time.Duration) error

	// Leave takes back what Announce wrote. It may also forget processes whose attempts
	// have all been lost for long.
	Leave(ctx context.Context, id string) error

	// Stuck lists running attempts, by the ID of their jobs, at most limit, from above after
	// on. They are older than the horizon of the process that made them, and of self or of a
	// process that was not seen for a minute, or for its horizon if that is less. horizon is
	// used for processes whose own is not known. All times are by the store's clock. Rows
	// that a transaction holds are left out: what changes the others would wait for it.
	Stuck(ctx context.Context, self string, horizon time.Duration, after int64, limit int) ([]Stuck, error)

	// Missing lists the processes that have running jobs and were not seen for half a
	// minute, by queue.
	Missing(ctx context.Context) ([]Missing, error)

	// Instances lists the processes seen in the last minute, the oldest first, and
	// which of them leads.
	Instances(ctx context.Context) ([]lifecycle.Instance, error)

	// Works writes down which queues an announced process takes jobs from.
	Works(ctx context.Context, id string, queues []string) error

	// Work lists what processes take jobs from, and the oldest jobs that they have in hand,
	// at most most of each process.
	Work(ctx context.Context, most int) ([]Work, error)

	// AddHour adds to the numbers of the present hour, by the store's clock. The queues are
	// in order, so that two processes do not wait for each other.
	AddHour(ctx context.Context, ended []Hour) error

	// Hours lists the numbers of a queue for the hours that began at since or later, the
	// oldest first. An hour in which nothing ended is left out.
	Hours(ctx context.Context, queue string, since time.Time) ([]Hour, error)

	// AddAudit adds to the audit trail, all or nothing. The store sets ID and At.
	AddAudit(ctx context.Context, entries []lifecycle.AuditEntry) error

	// Audit lists the audit trail, the newest first, from below an ID.
	Audit(ctx context.Context, before int64, limit int) ([]lifecycle.AuditEntry, error)

	// Forget deletes hours and entries of the audit trail that are older than that, at most
	// limit of each. It reports whether there may be more.
	Forget(ctx context.Context, hours, audit time.Duration, limit int) (more bool, err error)
}

// Work is the queues of a process that has announced itself, without a job, or one of the
// jobs that a process has in hand.
type Work struct {
	ID     string
	Queues string // as JSON, empty if they are not known

	Queue string
	Job   int64
	Since time.Time
	Hand  int // how many the process has in hand
}

// Backend is a store whose transactions are TTx.
type Backend[TTx any] interface {
	Store

	// Driver returns River's driver for the store.
	Driver() riverdriver.Driver[TTx]

	// Move sets the position of a schedule to to, if it is currently from, and reports
	// whether it did. A schedule without a stored position has from.Last == 0.
	Move(ctx context.Context, tx TTx, from, to Place) (bool, error)
}

// Handle makes the type that embeds it a durable.Store.
type Handle[TTx any] struct{ backend Backend[TTx] }

// NewHandle returns a handle of the backend.
func NewHandle[TTx any](b Backend[TTx]) Handle[TTx] { return Handle[TTx]{b} }

func (h Handle[TTx]) sealed() Backend[TTx] { return h.backend }

// Sealed is a type that embeds a [Handle].
type Sealed[TTx any] interface{ sealed() Backend[TTx] }

// Of returns the backend of a store.
func Of[TTx any](s Sealed[TTx]) Backend[TTx] { return s.sealed() }

// Place is the position of one schedule, for all processes together. The times are Unix
// nanoseconds: a slot that is compared has to be exact.
type Place struct {
	Queue, Name string
	Last        int64 // the last slot that has been dealt with, or when the schedule began
	Next        int64 // the slot that was to follow; 0 if there is none
}

// Rule is a schedule that was put into the store.
type Rule struct {
	Name, Queue, Cron, Zone string
	Item                    string // the JSON of each job's item
	Paused                  bool
}

// Count is the number of jobs of one queue in one state.
type Count struct {
	Queue string
	State string // of the engine, one of rivertype.JobStates
	N     int
	Due   time.Time // the earliest time at which one of them may start

	Estimate bool // N is near
}

// Hour is how many jobs of a queue ended in one hour.
type Hour struct {
	At       time.Time `json:"-"` // when it began
	Queue    string    `json:"queue"`
	Handled  int       `json:"handled"`
	GaveUp   int       `json:"gave_up"`
	Canceled int       `json:"canceled"`
}

// Due is when the next job of a queue is due that nobody has taken.
type Due struct {
	Queue string
	In    time.Duration // by the store's clock; 0 or less if it is due
}

// Missing is a process that has not been seen for a while and has running jobs of a queue.
type Missing struct {
	ID, Host, Queue string
	Unseen          time.Duration // since the process was last seen; 0 if it never was
	Horizon         time.Duration // see Announce; 0 if it is not known
	Jobs            int
	First, Last     time.Time // when the first and the last of the jobs were taken
}

// Stuck is an attempt that may be lost.
type Stuck struct {
	ID      int64 // of the job
	Attempt int   // that is running
	Own     bool  // of the process that asks
}

// SQLiteKey is the key of a job on SQLite, NULL without one, also of metadata that others
// have spoiled. A statement uses an index only if it has the same text.
const SQLiteKey = "CASE WHEN typeof(metadata) = 'text' AND NOT json_valid(metadata) THEN NULL ELSE json_extract(metadata, '$.stead_key') END"

// KeyGrace is how long a job that waits for its key is looked out for after its time has
// come. From then on it is announced when its key has room.
const KeyGrace = 2 * time.Second
