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
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

// config is what can be set from outside. A flag wins over the environment.
type config struct {
	migrate  bool   // the command; false: serve
	transfer string // the command: export or import
	states   string // of the jobs to export
	skip     int    // lines not to import
	addr     string
	smtp     string
	store    storeName
	role     role
	report   *os.File // if nil, there is none
	failRate float64
	shutdown time.Duration
	drain    time.Duration
	demo     bool
	quiet    bool

	adminAddr  string
	adminToken string   // if empty, one is made up and printed
	adminHosts []string // if nil, any
	hangAt     string   // for tests: the handler for this address never returns

	log *slog.Logger
	in  io.Reader
	out io.Writer
}

// role is what one process does. The others share its store.
type role string

const (
	all    role = "all"
	web    role = "web"    // takes sign-ups
	worker role = "worker" // sends mails
)

func (r role) serves() bool { return r != worker }
func (r role) sends() bool  { return r != web }

func (r role) mode() durable.Mode {
	return map[role]durable.Mode{all: durable.EnqueueAndWork, web: durable.EnqueueOnly, worker: durable.WorkOnly}[r]
}

// storeName is where the mails wait to be sent.
type storeName struct {
	kind string // memory, sqlite or postgres
	at   string // the file or URL
}

func parseStore(text string) (storeName, error) {
	file, isFile := strings.CutPrefix(text, "sqlite:")
	switch {
	case text == "memory":
		return storeName{kind: "memory"}, nil
	case isFile && file != "":
		return storeName{"sqlite", file}, nil
	case strings.HasPrefix(text, "postgres://"), strings.HasPrefix(text, "postgresql://"):
		return storeName{"postgres", text}, nil
	}
	// Not the text itself: it may be a URL with a password and a typing error.
	return storeName{}, errors.New("it is memory, sqlite:FILE or postgres://user@host/database")
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
	cfg.log = cfg.logger(cli.Log(slog.LevelInfo), cli.Log(slog.LevelWarn))
	cfg.in, cfg.out = os.Stdin, os.Stdout
	return cfg
}

// logger is the one that the flags ask for. With -demo so much goes wrong that the lines
// about single mails and runs would push the link out of sight: the dashboard has them.
func (c *config) logger(all, warnings *slog.Logger) *slog.Logger {
	switch {
	case c.quiet:
		return warnings
	case c.demo:
		return slog.New(hostLines{all.Handler(), false})
	}
	return all
}

const usage = `Usage:
  webapp [flags]                     serve until Ctrl-C
  webapp migrate [flags]             make the tables of -store; a process of -role all does it by itself
  webapp jobs export [flags] >FILE   write jobs of -store as lines of JSON
  webapp jobs import [flags] <FILE   read such lines into -store

`

// parse explains on stderr what is wrong.
func parse(args []string, getenv func(string) string, stderr io.Writer) (config, error) {
	var cfg config
	if cfg.migrate = len(args) > 0 && args[0] == "migrate"; cfg.migrate {
		args = args[1:]
	} else if len(args) > 1 && args[0] == "jobs" && (args[1] == "export" || args[1] == "import") {
		cfg.transfer, args = args[1], args[2:]
	}
	var store, report, hosts string
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong would stand above forty lines of flags
	flags.StringVar(&cfg.addr, "addr", cmp.Or(getenv("WEBAPP_ADDR"), "127.0.0.1:8080"),
		"listen on `host:port`; port 0 takes a free one (WEBAPP_ADDR)")
	flags.StringVar(&cfg.smtp, "smtp", getenv("WEBAPP_SMTP"),
		"send mail to the server at `host:port` instead of the built-in catcher (WEBAPP_SMTP)")
	flags.StringVar(&store, "store", cmp.Or(getenv("WEBAPP_STORE"), "memory"),
		"where mails wait to be sent: memory, sqlite:`FILE` or postgres://... (WEBAPP_STORE, the better place for a password)")
	flags.StringVar((*string)(&cfg.role), "role", cmp.Or(getenv("WEBAPP_ROLE"), "all"),
		"what this process does: `web` takes sign-ups, worker sends mails, all does both (WEBAPP_ROLE)")
	flags.StringVar(&cfg.adminAddr, "admin-addr", getenv("WEBAPP_ADMIN_ADDR"),
		"listen on `host:port` for the dashboard and metrics; the default is this machine alone and a port 1000 above that of -addr (WEBAPP_ADMIN_ADDR)")
	flags.StringVar(&hosts, "admin-hosts", getenv("WEBAPP_ADMIN_HOSTS"),
		"answer on /admin/ for these host `names` only, with commas between; if -admin-addr is this machine alone, its names are the default (WEBAPP_ADMIN_HOSTS)")
	flags.StringVar(&report, "report", getenv("WEBAPP_REPORT"),
		"write the stop report, and the addresses whose mail was not sent, to `file` as JSON (WEBAPP_REPORT)")
	flags.Float64Var(&cfg.failRate, "fail-rate", 0,
		"let this part of all mails and fetches fail, from 0 to 1, to see retries")
	flags.DurationVar(&cfg.shutdown, "shutdown-timeout", 25*time.Second,
		"end within this `time` after the first signal, such as 25s or 1m30s; 8s suits Docker")
	flags.DurationVar(&cfg.drain, "drain-delay", 0,
		"serve on for this `time` after the first signal, such as 5s, unready, so that a load balancer notices; a part of -shutdown-timeout")
	flags.StringVar(&cfg.states, "state", "discarded,cancelled", "for jobs export: the `states` of the jobs, with commas between")
	flags.IntVar(&cfg.skip, "skip", 0, "for jobs import: leave out so many `lines`, which are in already")
	flags.BoolVar(&cfg.demo, "demo", false, "sign people up in waves, and let some things go wrong, so that the dashboard has something to show")
	flags.BoolVar(&cfg.quiet, "quiet", false, "log warnings and errors only")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stderr)
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		return config{}, err
	case err != nil:
		return config{}, refuse(stderr, err)
	}
	if cfg.adminAddr == "" {
		cfg.adminAddr = besideOf(cfg.addr)
	}
	cfg.adminHosts = namesOf(cfg.adminAddr, hosts)
	cfg.adminToken = getenv("WEBAPP_ADMIN_TOKEN") // not a flag: other users can read those
	cfg.hangAt = getenv("WEBAPP_TEST_HANG_AT")
	if err := cfg.check(flags.Args(), store, report); err != nil {
		return config{}, refuse(stderr, err)
	}
	return cfg, nil
}

func refuse(stderr io.Writer, err error) error {
	fmt.Fprintf(stderr, "webapp: %v\n(webapp -h lists commands and flags)\n", err)
	return err
}

// besideOf is where the dashboard is unless it is said: on this machine alone, at a port
// that follows from that of the page. A free one is taken if the page takes a free one.
func besideOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr) // checked later
	n, err := strconv.Atoi(port)
	if err != nil || n == 0 || n > 1<<16-1-1000 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1000))
}

// namesOf splits a list of host names. Without one, a program that listens on this
// machine alone is asked for by the names of this machine. A request for another name
// is from a page elsewhere whose name was pointed here.
func namesOf(addr, list string) []string {
	if list != "" {
		return strings.Split(list, ",")
	}
	host, _, _ := net.SplitHostPort(addr) // checked below
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		return []string{"localhost", "127.0.0.1", "::1", host}
	}
	return nil
}

func (c *config) check(rest []string, store, report string) (err error) {
	if len(rest) > 0 && rest[0] == "jobs" {
		return errors.New("after jobs comes export or import")
	}
	if len(rest) > 0 {
		return fmt.Errorf("unknown argument %q", rest[0])
	}
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if _, _, err := net.SplitHostPort(c.adminAddr); err != nil {
		return fmt.Errorf("-admin-addr: %w", err)
	}
	if c.smtp != "" {
		if _, _, err := splitHostPort(c.smtp); err != nil {
			return fmt.Errorf("-smtp: %w", err)
		}
	}
	if c.store, err = parseStore(store); err != nil {
		return fmt.Errorf("-store: %w", err)
	}
	switch inMemory := c.store.kind == "memory"; {
	case c.role != all && c.role != web && c.role != worker:
		return fmt.Errorf("-role is not web, worker or all: %q", c.role)
	case inMemory && c.role != all:
		return fmt.Errorf("-role %s needs a -store that the other processes reach too", c.role)
	case inMemory && c.transfer != "":
		return fmt.Errorf("jobs %s: a -store in memory is not there any more", c.transfer)
	case c.skip < 0:
		return fmt.Errorf("-skip is negative: %d", c.skip)
	case inMemory && c.migrate:
		return errors.New("migrate: a -store in memory has no tables")
	case c.demo && !c.role.serves():
		return errors.New("-demo signs people up, which a worker does not")
	}
	if c.failRate < 0 || c.failRate > 1 || c.failRate != c.failRate {
		return fmt.Errorf("-fail-rate is not from 0 to 1: %v", c.failRate)
	}
	if c.shutdown <= 0 {
		return fmt.Errorf("-shutdown-timeout is not more than zero: %v", c.shutdown)
	}
	if c.drain < 0 || c.drain >= c.shutdown {
		return fmt.Errorf("-drain-delay %v does not fit into -shutdown-timeout %v", c.drain, c.shutdown)
	}
	if report != "" {
		// Now, because at the end of the program it would be too late to say that
		// it cannot be written. A file that stays empty says that the end was not
		// reached.
		//nolint:gosec // it is the user's own
		if c.report, err = os.OpenFile(report, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return fmt.Errorf("-report: %w", err)
		}
	}
	return nil
}

// hello says where the page is and what to try there. A token that was given is
// known to who gave it, and does not belong in a log.
func (c *config) hello(addr, admin net.Addr, token string) {
	if c.adminToken != "" {
		token = "$WEBAPP_ADMIN_TOKEN" //nolint:gosec // the name of it
	}
	first, mails := "sign up, and get a welcome mail", "see it arrive"
	switch c.role {
	case web:
		mails = "see how many wait for a worker"
	case worker:
		first, mails = "a worker, which sends what the web process took", "see what it sent"
	}
	fmt.Fprintf(c.out, `
  http://%[1]s           %[3]s
  http://%[1]s/mails     %[4]s
  curl http://%[1]s/readyz; curl http://%[5]s/metrics
  Ctrl-C                           stop, and read the report
  http://%[5]s/admin/    see what runs; with buttons to trigger, pause and requeue:
  http://%[5]s/admin/?token=%[2]s

`, addr, token, first, mails, admin)
}

// writeReport writes what a program that reads the report needs: the host's part
// and the addresses that were promised a mail and did not get one.
func (c *config) writeReport(report hosted.Report, unsent *leftovers) error {
	if c.report == nil {
		return nil
	}
	left, gaveUp := unsent.addresses()
	text, err := json.MarshalIndent(struct {
		Report   hosted.Report `json:"report"`
		Leftover []string      `json:"leftover"`
		GaveUp   []string      `json:"gave_up"`
	}{report, left, gaveUp}, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = c.report.Write(append(text, '\n'))
	return errors.Join(err, c.report.Close())
}
