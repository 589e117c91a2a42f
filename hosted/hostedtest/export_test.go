package hostedtest

import (
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// ConformIn is Conform with something else in the place of testing.T.
func ConformIn(run func(name string, check func(t testing.TB)), make func() hosted.Service) {
	k := &kit{make: make, allowance: 10 * time.Second, grace: 20 * time.Second, watch: 100 * time.Millisecond}
	k.conform(run)
}
