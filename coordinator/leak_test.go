package coordinator_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const leakOnPurpose = "STEAD_TEST_LEAK"

// A wait that is forgotten leaves a goroutine behind for ever. That the tests
// would see it is itself worth a test: this one runs its own binary again and
// lets it forget one.
func TestAForgottenWaitFailsTheTests(t *testing.T) {
	if os.Getenv(leakOnPurpose) != "" {
		c := with(t, "never")
		go func() { _ = c.Wait(context.Background(), "never") }()
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), leakOnPurpose+"=1")
	output, err := again.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "found unexpected goroutines") {
		t.Errorf("%v\n%s", err, output)
	}
}
