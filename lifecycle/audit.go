package lifecycle

import "time"

// AuditEntry is one line of an audit trail: who did what to which thing, and when. A store
// of durable jobs has such a trail.
type AuditEntry struct {
	ID     int64     `json:"id"` // higher means later
	At     time.Time `json:"at"` // by the store's clock
	Actor  string    `json:"actor"`
	Action string    `json:"action"` // such as "requeue" or "pause"

	Kind string `json:"kind"` // of what it was done to, such as "queue" or "schedule"
	Name string `json:"name"` // of that
	Job  int64  `json:"job"`  // 0 if it was not done to one job

	Count  int    `json:"count"`  // of the jobs it was done to, 0 if it was done to none
	Detail string `json:"detail"` // which jobs these were if there are many, and what else there is to say
}
