package hosting

import (
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Results is everything that one run measured, with every round.
type Results struct {
	When     time.Time     `json:"when"`
	Machine  lab.Machine   `json:"machine"`
	Series   []Series      `json:"series"`
	Graphs   []GraphResult `json:"graphs,omitempty"`
	Binaries []Binary      `json:"binaries,omitempty"` // the empty program first
	Targets  []lab.Target  `json:"targets"`
}
