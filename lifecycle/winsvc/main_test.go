package winsvc

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/hosted"
)

// asProgram makes the test binary a program that ends with Main.
const asProgram = "STEAD_TEST_WINSVC"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		host := hosted.New(hosted.Config{ExitWhenDone: true})
		host.Go("work", func(context.Context) error { return nil })
		Main(host, EventLog("stead"))
	}
	serveAsService()
	goleak.VerifyTestMain(m)
}
