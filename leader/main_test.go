package leader_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also is the program of the tests that need processes: they start this
// very binary with an environment that says which part it is to play.
func TestMain(m *testing.M) {
	if part := os.Getenv("LEADER_TEST_PART"); part != "" {
		os.Exit(play(part))
	}
	goleak.VerifyTestMain(m)
}
