package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// process is the program under test, as its users run it.
type process struct {
	*program.Process
	t      testing.TB
	url    string
	admin  string // the URL of the server with the dashboard and the metrics
	report string // file
	client *http.Client
}

// start runs the program on a free port and returns when it serves.
func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := begin(t, env, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	p.url = "http://" + p.WaitFor(`http://(\S+)  `)[1]
	p.admin = "http://" + p.WaitFor(`http://(\S+)/admin/ `)[1]
	return p
}

func begin(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	p := &process{t: t, report: filepath.Join(t.TempDir(), "report.json")}
	p.client = &http.Client{Transport: transport, Timeout: 3 * time.Minute}
	p.Process = program.Command{Args: append(args, "-report", p.report), Env: env}.Start(t)
	return p
}

// isAdmin reports whether a path is one of the server with the dashboard.
func isAdmin(path string) bool {
	return strings.HasPrefix(path, "/admin/") || path == "/metrics"
}

// get returns the status and body of a page.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	base := p.url
	if isAdmin(path) {
		base = p.admin
	}
	resp, err := p.client.Get(base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return read(p.t, resp)
}

func (p *process) post(kind, body string) (int, string) {
	p.t.Helper()
	resp, err := p.client.Post(p.url+"/signup", kind, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return read(p.t, resp)
}

func read(t testing.TB, resp *http.Response) (int, string) {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

type serviceLine struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Error    string `json:"error"`
	Leftover int    `json:"leftover"`
}

// written is the report file.
type written struct {
	Report struct {
		Clean      bool          `json:"clean"`
		Cause      string        `json:"cause"`
		Services   []serviceLine `json:"services"`
		Stragglers []straggler   `json:"stragglers"`
	} `json:"report"`
	Leftover []string `json:"leftover"`
	GaveUp   []string `json:"gave_up"`
}

type straggler struct {
	Service string `json:"service"`
	Op      string `json:"op"`
}

func (p *process) written() (w written) {
	p.t.Helper()
	text, err := os.ReadFile(p.report)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &w); err != nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	return w
}

// postbox is a mail server outside of the program, which counts what it took.
type postbox struct {
	addr  string
	delay time.Duration // what one mail takes

	mu  sync.Mutex
	got map[string]int // by recipient
}

func openPostbox(t testing.TB, delay time.Duration) *postbox {
	t.Helper()
	b := &postbox{delay: delay, got: map[string]int{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{box: b}, nil }))
	server.Domain = "localhost"
	server.ErrorLog = silent{} // connections cut by a stop are part of the tests
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = listener.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return b
}

func (b *postbox) received() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.got)
}

type delivery struct {
	box *postbox
	to  string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }
func (d *delivery) Reset()                                    {}
func (d *delivery) Logout() error                             { return nil }
func (d *delivery) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	time.Sleep(d.box.delay)
	d.box.mu.Lock()
	defer d.box.mu.Unlock()
	d.box.got[d.to]++
	return nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
