package filestore_test

import (
	"testing"
	_ "time/tzdata" // the instants stored have zones

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
