package cli_test

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/examples/internal/cli"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type values struct {
	budget time.Duration
	many   int
	addr   string
}

func parse(args ...string) (values, error) {
	var v values
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	cli.Duration(flags, &v.budget, "budget", time.Second, time.Millisecond, "")
	cli.Int(flags, &v.many, "many", 8, 1, 1000, "")
	cli.Addr(flags, &v.addr, "addr", ":8080", "")
	err := flags.Parse(args)
	return v, err
}

func TestFlagsHaveTheirDefaultsAndTakeWhatIsRight(t *testing.T) {
	if v, err := parse(); err != nil || v != (values{time.Second, 8, ":8080"}) {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := parse("-budget", "1ms", "-many", "1000", "-addr", "[::1]:0"); err != nil || v != (values{time.Millisecond, 1000, "[::1]:0"}) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAFlagThatIsWrongIsRefusedByItsName(t *testing.T) {
	for _, args := range []string{
		"-budget 0s", "-budget -1s", "-budget soon", "-many 0", "-many 1001", "-many many", "-addr 8080", "-addr localhost",
	} {
		words := strings.Fields(args)
		if _, err := parse(words...); err == nil || !strings.Contains(err.Error(), "flag "+words[0]+":") {
			t.Errorf("%s: %v", args, err)
		}
	}
}
