package durable

import (
	"context"
	"encoding/json"
	"time"

	"github.com/steadgo/stead/internal/slots"
)

// note is what this package writes into the metadata of a job, which travel with it
// through all its attempts. Programs and River's middleware may write beside it.
type note struct {
	Slot     time.Time         `json:"stead_slot,omitzero"`
	Schedule string            `json:"stead_schedule,omitempty"`
	Wrapped  bool              `json:"stead_wrapped,omitempty"` // see wrap
	Timeout  time.Duration     `json:"stead_timeout,omitempty"`
	Key      string            `json:"stead_key,omitempty"`
	Meta     map[string]string `json:"stead_meta,omitempty"`
	Follows  bool              `json:"stead_follows,omitempty"` // waits for other jobs to end
	Ends     *Ends             `json:"stead_ends,omitempty"`    // of the jobs that it has waited for
}

// metadata is nil for an empty note, which most are.
func (n note) metadata() ([]byte, error) {
	raw, err := json.Marshal(n)
	if string(raw) == "{}" {
		raw = nil
	}
	return raw, err
}

// noteOf is the note on a job, empty if there is none.
func noteOf(metadata []byte) (n note) {
	if len(metadata) > len("{}") {
		_ = json.Unmarshal(metadata, &n) // what is not ours may be of any shape
	}
	return n
}

// with is ctx for the handler of a job with this note.
func (n note) with(ctx context.Context) context.Context {
	if !n.Slot.IsZero() {
		ctx = slots.With(ctx, n.Slot)
	}
	if n.Meta != nil {
		ctx = context.WithValue(ctx, metaKey{}, n.Meta)
	}
	if n.Ends != nil {
		ctx = context.WithValue(ctx, endsKey{}, *n.Ends)
	}
	return ctx
}
