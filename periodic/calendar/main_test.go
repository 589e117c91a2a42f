package calendar_test

import (
	"testing"
	_ "time/tzdata" // the zones are the subject, so not whatever the machine has

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
