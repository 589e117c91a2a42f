package channelq

import "fmt"

// FullMode says what an enqueue does when the queue is full. The zero value is
// Wait. The modes are those of .NET's BoundedChannelFullMode, and Reject.
type FullMode uint8

// The full modes. With capacity 0 there is nothing to displace, so that both
// DropOldest and DropNewest act as DropWrite: an item is dropped unless a
// consumer waits for it.
const (
	Wait       FullMode = iota // the enqueue waits for room until its context is done
	Reject                     // the enqueue fails with ErrFull
	DropNewest                 // the newest item in the queue makes room
	DropOldest                 // the oldest item in the queue makes room
	DropWrite                  // the item itself is dropped and the enqueue fails with ErrDropped
)

var modeNames = [...]string{
	Wait: "wait", Reject: "reject", DropNewest: "drop_newest", DropOldest: "drop_oldest", DropWrite: "drop_write",
}

// String returns the lower-case name, such as "drop_oldest".
func (m FullMode) String() string {
	if int(m) >= len(modeNames) {
		return fmt.Sprintf("mode(%d)", uint8(m))
	}
	return modeNames[m]
}

// dropReason is why items are dropped in this mode once they are accepted.
func (m FullMode) dropReason() DropReason {
	if m == DropNewest {
		return DroppedNewest
	}
	return DroppedOldest
}

// MarshalText writes the name, so that JSON reads "wait" and not 0.
func (m FullMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// DropReason says why an item was dropped.
type DropReason uint8

// The reasons.
const (
	DroppedOldest DropReason = iota + 1 // it was the oldest and made room for a new one
	DroppedNewest                       // it was the newest and made room for a newer one
	DroppedWrite                        // it was never in: there was no room for it
)

// String returns the lower-case name, such as "oldest".
func (r DropReason) String() string {
	switch r {
	case DroppedOldest:
		return "oldest"
	case DroppedNewest:
		return "newest"
	case DroppedWrite:
		return "write"
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}
