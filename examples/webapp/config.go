package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
)

// config is what can be set from outside. A flag wins over the environment.
type config struct {
	addr     string
	smtp     string
	report   string
	failRate float64
	shutdown time.Duration
	drain    time.Duration
	demo     bool

	adminToken string // "": one is made up and printed
	hangAt     string // for tests: the handler for this address never returns

	log *slog.Logger
	out io.Writer
}

// configure reads the command line of the process, and ends it if that is wrong.
func configure() config {
	cfg, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2) // parse has said why
	}
	cfg.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg.out = os.Stdout
	return cfg
}

// parse explains on stderr what is wrong, as package flag does.
func parse(args []string, getenv func(string) string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.addr, "addr", cmp.Or(getenv("WEBAPP_ADDR"), "127.0.0.1:8080"),
		"listen on `host:port`; port 0 takes a free one (WEBAPP_ADDR)")
	flags.StringVar(&cfg.smtp, "smtp", getenv("WEBAPP_SMTP"),
		"send mail to the server at `host:port` instead of the built-in catcher (WEBAPP_SMTP)")
	flags.StringVar(&cfg.report, "report", getenv("WEBAPP_REPORT"),
		"write the stop report, and the addresses whose mail was not sent, to `file` as JSON (WEBAPP_REPORT)")
	flags.Float64Var(&cfg.failRate, "fail-rate", 0,
		"let this part of all mails and fetches fail, from 0 to 1, to see retries")
	flags.DurationVar(&cfg.shutdown, "shutdown-timeout", 25*time.Second,
		"end within this `time` after the first signal; 8s suits Docker")
	flags.DurationVar(&cfg.drain, "drain-delay", 0,
		"serve on for this `time` after the first signal, unready, so that a load balancer notices")
	flags.BoolVar(&cfg.demo, "demo", false, "sign people up in waves, and let some things go wrong, so that the dashboard has something to show")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	cfg.adminToken = getenv("WEBAPP_ADMIN_TOKEN") // not a flag: other users can read those
	cfg.hangAt = getenv("WEBAPP_TEST_HANG_AT")
	if err := cfg.check(flags.Args()); err != nil {
		fmt.Fprintln(stderr, "webapp:", err)
		flags.Usage()
		return config{}, err
	}
	return cfg, nil
}

func (c *config) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unknown argument %q", rest[0])
	}
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if c.smtp != "" {
		if _, _, err := splitHostPort(c.smtp); err != nil {
			return fmt.Errorf("-smtp: %w", err)
		}
	}
	if c.failRate < 0 || c.failRate > 1 || c.failRate != c.failRate {
		return fmt.Errorf("-fail-rate is not from 0 to 1: %v", c.failRate)
	}
	if c.shutdown <= 0 || c.drain < 0 || c.drain >= c.shutdown {
		return fmt.Errorf("-drain-delay %v does not fit into -shutdown-timeout %v", c.drain, c.shutdown)
	}
	return nil
}

// hello says where the page is and what to try there. A token that was given is
// known to who gave it, and does not belong in a log.
func (c *config) hello(addr net.Addr, token string) {
	if c.adminToken != "" {
		token = "$WEBAPP_ADMIN_TOKEN" //nolint:gosec // the name of it
	}
	fmt.Fprintf(c.out, `
  http://%[1]s           sign up, and get a welcome mail
  http://%[1]s/mails     see it arrive
  http://%[1]s/admin/    see what runs; /metrics, /livez and /readyz are for machines
  http://%[1]s/admin/?token=%[2]s
                                   the same with buttons: run now, pause, requeue
  Ctrl-C                           stop, and read the report

`, addr, token)
}

// writeReport writes what a program that reads the report needs: the host's part
// and the addresses that were promised a mail and did not get one.
func (c *config) writeReport(report hosted.Report, unsent *leftovers) error {
	if c.report == "" {
		return nil
	}
	left, gaveUp := unsent.addresses()
	text, err := json.MarshalIndent(struct {
		Report   hosted.Report `json:"report"`
		LeftOver []string      `json:"left_over"`
		GaveUp   []string      `json:"gave_up"`
	}{report, left, gaveUp}, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return os.WriteFile(c.report, append(text, '\n'), 0o600)
}
